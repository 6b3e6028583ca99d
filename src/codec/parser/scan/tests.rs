//! The scanner against serde's reader, which is the judge of what JSON is.

use serde::de::IgnoredAny;

use super::*;
use crate::codec::parser::tests::Random;

fn scan(text: &str, max_depth: usize) -> Result<(), Fault> {
    let mut scanner = Scanner::new(text, 0, max_depth);
    scanner.value()?;
    if scanner.at_end() { Ok(()) } else { Err(Fault::Syntax) }
}

fn agree(text: &str) -> bool {
    let serde = serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert_eq!(scan(text, 128).is_ok(), serde, "{text:?}");
    serde
}

/// Half of them valid, and every kind of token among them.
const SNIPPETS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "0.5",
    "1.25",
    "1e5",
    "1E5",
    "1e+5",
    "1e-5",
    "1.5e-05",
    "1e999",
    "-1e-999",
    "123456789012345678901234567890",
    "\"\"",
    "\"a\"",
    "\"\\\"\"",
    "\"\\\\\"",
    "\"\\/\"",
    "\"\\b\\f\\n\\r\\t\"",
    "\"\\u00e9\"",
    "\"\\uD83D\\uDE00\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"é😀\"",
    "\"\u{7f}\u{2028}\"",
    "\"12345678901234567890\"",
    "\"1234567\\n\"",
    "[]",
    "[ ]",
    "[1]",
    "[1,2]",
    "[ 1 , 2 ]",
    "[[],[[]]]",
    "{}",
    "{ }",
    "{\"a\":1}",
    "{ \"a\" : 1 , \"b\" : [ ] }",
    "{\"a\":{\"a\":{}}}",
    "{\"\":\"\"}",
    "{\"a\":1,\"a\":2}",
    "{\"\\ud800\":1}",
    " \t\r\n1 \t\r\n",
    "[1,\n2]",
    "[{},[],{}]",
    "[[{\"a\":[]}],1]",
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "truefalse",
    "+1",
    "-",
    "--1",
    "01",
    "-01",
    "00",
    ".5",
    "1.",
    "1.e5",
    "1e",
    "1e+",
    "1e+-5",
    "1.5.5",
    "0x10",
    "1_000",
    "NaN",
    "Infinity",
    "-Infinity",
    "\"",
    "\"a",
    "a\"",
    "'a'",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u\"",
    "\"\\u12\"",
    "\"\\u123\"",
    "\"\\u12g4\"",
    "\"\\U0041\"",
    "\"\\",
    "\"\\u",
    "\"a\nb\"",
    "\"1234567\u{1f}\"",
    "\"\u{0}\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,]",
    "[,1]",
    "[1 2]",
    "[1,,2]",
    "[1}",
    "{1]",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{\"a\"}",
    "{\"a\",1}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{1:1}",
    "{null:1}",
    "{\"a\"::1}",
    "{[]:1}",
    "1 2",
    "[] []",
    "{}{}",
    "[]]",
    "null,",
    "\u{feff}1",
    "1\u{a0}",
    "\u{b}1",
    "// 1",
    "/**/1",
    "[1]//",
    "é",
];

#[test]
fn it_accepts_what_serde_accepts() {
    let valid = SNIPPETS.iter().filter(|text| agree(text)).count();
    assert!(valid > 45 && SNIPPETS.len() - valid > 60, "{valid} of {}", SNIPPETS.len());
}

#[test]
fn it_agrees_with_serde_on_mutations_of_valid_json() {
    let mut random = Random(1);
    let seeds: Vec<&str> = SNIPPETS.iter().copied().filter(|text| agree(text)).collect();
    let pieces = [
        "\"", "\\", "[", "]", "{", "}", ",", ":", " ", "0", "1", "-", ".", "e", "u", "\n", "\u{1}", "é",
        "null",
    ];
    let mut valid = 0;
    for _ in 0..30_000 {
        // Several values together, then a few pieces put in, taken out, or exchanged.
        let some = |random: &mut Random| seeds[random.below(seeds.len())].trim().to_owned();
        let mut text = match random.below(3) {
            0 => some(&mut random),
            1 => format!("[{},{}]", some(&mut random), some(&mut random)),
            _ => format!("{{\"k\":{},\"_placeholder\":[{}]}}", some(&mut random), some(&mut random)),
        };
        for _ in 0..random.below(3) {
            let chars: Vec<_> = text.char_indices().map(|(at, char)| at..at + char.len_utf8()).collect();
            let Some(range) = chars.get(random.below(chars.len().max(1))).cloned() else { break };
            let range = if random.below(2) == 0 { range.start..range.start } else { range };
            let piece = if random.below(3) == 0 { "" } else { pieces[random.below(pieces.len())] };
            text.replace_range(range, piece);
        }
        valid += usize::from(agree(&text));
    }
    assert!((5_000..25_000).contains(&valid), "{valid}");
}

#[test]
fn strings_end_where_they_end_at_every_alignment() {
    for len in 0..40 {
        for stop in ['"', '\\', '\n', '\u{1f}', '\u{0}'] {
            for fill in ["a", " ", "\u{7f}", "é", "ÿ", "#", "!", "]", "[", "\u{80}"] {
                let text = format!("{}{stop}\"\\", fill.repeat(len));
                assert_eq!(plain_run(text.as_bytes()), fill.len() * len, "{text:?}");
            }
        }
    }
}

#[test]
fn depth_is_counted_and_costs_no_stack() {
    let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(scan(&nested(128), 128), Ok(()));
    assert_eq!(scan(&nested(129), 128), Err(Fault::TooDeep));
    assert_eq!(scan(&nested(1_000_000), 128), Err(Fault::TooDeep));
    assert_eq!(scan(&nested(3), 3), Ok(()));
    assert_eq!(scan(&nested(4), 3), Err(Fault::TooDeep));
    assert_eq!(scan("1", 0), Ok(()));
    let objects = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert_eq!(scan(&objects(128), 128), Ok(()));
    assert_eq!(scan(&objects(129), 128), Err(Fault::TooDeep));
}

#[test]
fn brackets_must_match_at_every_depth() {
    let text = format!("{}1{}", "[{\"a\":".repeat(64), "}]".repeat(64));
    assert_eq!(scan(&text, 128), Ok(()));
    let close = text.find('1').unwrap() + 1;
    for at in close..text.len() {
        let mut wrong = text.clone();
        let other = if &text[at..=at] == "}" { "]" } else { "}" };
        wrong.replace_range(at..=at, other);
        assert_eq!(scan(&wrong, 128), Err(Fault::Syntax), "{at}");
    }
}

#[test]
fn wide_values_are_fine() {
    let text = format!("[{}0]", "{\"a\":[1]},".repeat(50_000));
    assert_eq!(scan(&text, 3), Ok(()));
}

#[test]
fn half_a_surrogate_pair_is_valid_json_but_no_text() {
    assert_eq!(scan("\"\\ud800\"", 1), Ok(()));
    assert!(serde_json::from_str::<String>("\"\\ud800\"").is_err());
}

#[test]
fn a_huge_number_is_valid_json_but_no_float() {
    assert_eq!(scan("1e999", 1), Ok(()));
    assert!(serde_json::from_str::<f64>("1e999").is_err());
}
