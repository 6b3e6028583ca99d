//! What is read and written here against serde_json, the judge of both.

use super::{Value, read::read};
use crate::codec::parser::{Args, tests::Random};

fn written(value: &Value) -> String {
    Args::encode(&(value,)).unwrap().json().unwrap().to_owned()
}

#[track_caller]
fn agree(json: &str) {
    let expected: Value = serde_json::from_str(json).unwrap();
    let value = read(json).unwrap();
    assert_eq!(value, expected, "{json}");
    assert_eq!(written(&value), serde_json::to_string(&expected).unwrap(), "{json}");
    // What was put together by serde's means does not know what its texts are like.
    assert_eq!(written(&expected), written(&value), "{json}");
}

/// JSON as a client may write it.
fn json(random: &mut Random, depth: usize, out: &mut String) {
    const TEXTS: [&str; 18] = [
        "",
        "a",
        "ab",
        "a\\\"b",
        "a\\\\",
        "a\\\":1,\\\"b",
        "\\n\\u001f\\u0000",
        "é",
        "\\u00e9\\ud83d\\ude00",
        "/\\/",
        "twenty-one bytes, you",
        "twenty-two bytes, says",
        "twenty-three bytes long",
        "twenty\\ttwo bytes, say",
        "a text that is longer than what stands in place",
        "a long one \\\"with\\\" escapes \\\\ and so on \\r\\n",
        "éééééééééé\\né",
        "\u{7f}\u{80}ÿ",
    ];
    let space = |random: &mut Random, out: &mut String| {
        if random.below(12) == 0 {
            out.push_str([" ", "\n", "\t\r "][random.below(3)]);
        }
    };
    let text = |random: &mut Random, out: &mut String| {
        *out += "\"";
        *out += TEXTS[random.below(TEXTS.len())];
        *out += "\"";
    };
    space(random, out);
    match random.below(if depth == 0 { 6 } else { 10 }) {
        0 => *out += ["null", "true", "false"][random.below(3)],
        1 | 2 => text(random, out),
        3 => {
            let limit = 1 << (1 + random.below(52));
            *out += &random.below(limit).to_string();
        }
        4 => *out += &(-(random.below(1 << 20) as i64) - 1).to_string(),
        5 => *out += &(random.below(1 << 20) as f64 / [2., 7., 10., 1000.][random.below(4)]).to_string(),
        6 | 7 => {
            *out += "[";
            for n in 0..random.below(5) {
                *out += if n > 0 { "," } else { "" };
                json(random, depth - 1, out);
                space(random, out);
            }
            *out += "]";
        }
        _ => {
            *out += "{";
            // Most often names in the same order, sometimes more than are few.
            let (first, step) = (random.below(4), [0, 1, 1, 1, 5][random.below(5)]);
            for n in 0..[0, 1, 3, 5, 5, 5, 20][random.below(7)] {
                *out += if n > 0 { "," } else { "" };
                space(random, out);
                match random.below(30) {
                    0 => text(random, out),
                    _ => *out += &format!("\"{}\"", TEXTS[(first / 3 + n * step) % TEXTS.len()]),
                }
                space(random, out);
                *out += ":";
                json(random, depth - 1, out);
                space(random, out);
            }
            *out += "}";
        }
    }
    space(random, out);
}

#[test]
fn what_is_read_and_written_is_what_serde_json_reads_and_writes() {
    let mut random = Random(7);
    for _ in 0..20_000 {
        let mut text = String::new();
        json(&mut random, 5, &mut text);
        agree(&text);
    }
}

#[test]
fn objects_of_a_list_are_like_the_one_before_or_not() {
    for other in [
        r#"{"a":2,"b":{"c":[2],"d":"y"}}"#,
        r#"{"b":{"d":"y","c":[2]},"a":2}"#,
        r#"{"a":2}"#,
        r#"{"a":2,"a":3}"#,
        r#"{"a":2,"b":{"c":[2],"c":[3]},"b":4}"#,
        r#"{"a":2,"b":null,"c":1}"#,
        r#"{"a" :2,"b":[]}"#,
        r#"{"a\"":2,"b":[]}"#,
        r#"{"\u0061":2,"b":[]}"#,
        r#"{"aa":2,"b":{}}"#,
        "{}",
        "[1]",
    ] {
        let first = r#"{"a":1,"b":{"c":[1],"d":"x"}}"#;
        agree(&format!("[{first},{other},{first}]"));
        agree(&format!("[{other},{first},{other}]"));
    }
    // A name that holds what looks like the end of one.
    agree(r#"[{"a\":1,\"b":2},{"a":1,"b":2},{"a\\":1},{"a\\":1}]"#);
}

#[test]
fn numbers_are_written_as_serde_json_writes_them() {
    let check = |number: f64| {
        let value = Value::from(number);
        assert_eq!(written(&value), serde_json::to_string(&number).unwrap(), "{number:?}");
    };
    for number in
        [0.0, -0.0, 0.001, 0.0005, 0.0015, 999_999_999_999.999, 1e12, 1e15, 1e16, 1e21, f64::MIN_POSITIVE]
    {
        check(number);
        check(-number);
        check(number.next_up());
        check(number.next_down());
    }
    let mut random = Random(3);
    for _ in 0..300_000 {
        let number = f64::from_bits((random.below(1 << 32) as u64) << 32 | random.below(1 << 32) as u64);
        if number.is_finite() {
            check(number);
        }
        let divisor = [1., 2., 3., 8., 10., 100., 1000., 10_000.][random.below(8)];
        let limit = 1 << (1 + random.below(50));
        let number = random.below(limit) as f64 / divisor;
        check(number);
        check(-number);
        check(number.next_up());
    }
    for number in (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1]).chain([u64::MAX, 10, 9, 99, 100]) {
        assert_eq!(written(&Value::from(number)), number.to_string());
        let negative = (number as i64).wrapping_neg();
        assert_eq!(written(&Value::from(negative)), negative.to_string());
    }
}
