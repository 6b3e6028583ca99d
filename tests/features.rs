//! The table of features names only tests that there are.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

/// One row: its number, and what stands in the columns "here" and "shown by".
struct Row {
    number: u32,
    here: String,
    tests: Vec<(String, String)>,
    shown_by: String,
}

fn rows() -> Vec<Row> {
    let table = read("docs/features.md").expect("docs/features.md is there");
    table.lines().filter_map(row).collect()
}

/// A line of the table, if it is one with a number.
fn row(line: &str) -> Option<Row> {
    let cells: Vec<_> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let number = cells[0].parse().ok()?;
    let [_, feature, here, shown_by] = cells[..] else { panic!("four columns: {line}") };
    assert!(!feature.is_empty() && !here.is_empty(), "{line}");
    let named = shown_by.split('`').skip(1).step_by(2);
    let tests = named.map(|test| {
        let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("`file::test`: {test}"));
        (file.to_owned(), name.to_owned())
    });
    Some(Row { number, here: here.to_owned(), tests: tests.collect(), shown_by: shown_by.to_owned() })
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// Whether the file has a test of this name: a function with a test's attribute, or a call that defines one. In
/// JavaScript a name may be the end of a longer one, as one test runs with several clients and transports.
fn has_test(file: &str, text: &str, name: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    match Path::new(file).extension().and_then(|extension| extension.to_str()) {
        Some("rs") => lines.iter().enumerate().any(|(number, line)| {
            let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            let rest = function.and_then(|function| function.strip_prefix(name));
            let attributes = lines[..number].iter().rev().take_while(|line| line.starts_with("#["));
            rest.is_some_and(|rest| rest.starts_with(['(', '<']))
                && attributes.into_iter().any(|line| is_test_attribute(line))
        }),
        Some("py") => {
            let functions = [format!("def {name}(self)"), format!("def {name}()")];
            functions.iter().any(|function| text.contains(function.as_str()))
        }
        _ => lines.iter().any(|line| {
            let defines = ["test(", "session(", "scenario("].iter().any(|call| line.starts_with(call));
            defines && line.contains(name)
        }),
    }
}

fn is_test_attribute(line: &str) -> bool {
    line.starts_with("#[test]") || line.starts_with("#[tokio::test]") || line.starts_with("#[tokio::test(")
}

#[test]
fn every_test_that_is_named_exists() {
    let mut missing = Vec::new();
    for row in rows() {
        for (file, name) in row.tests {
            let path = if file.starts_with("src/") { file.clone() } else { format!("tests/{file}") };
            let is_there = read(&path).is_some_and(|text| has_test(&file, &text, &name));
            if !is_there {
                missing.push(format!("{}: {file}::{name}", row.number));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

#[test]
fn every_feature_has_its_row_in_order() {
    let numbers: Vec<_> = rows().iter().map(|row| row.number).collect();
    // Another websocket library, WebTransport and another HTTP server are no features of this one.
    let is_here = |number: &u32| !matches!(number, 37 | 140..150 | 299);
    let expected: Vec<_> = (1..=300).filter(is_here).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn only_what_is_not_here_is_shown_by_no_test() {
    for row in rows().iter().filter(|row| row.tests.is_empty()) {
        assert_eq!(row.shown_by, "none", "{}", row.number);
        assert!(row.here.starts_with("not here") || row.here.starts_with("no event"), "{}", row.number);
    }
}

#[test]
fn a_name_that_is_only_a_part_of_another_is_no_test() {
    let text = "#[tokio::test(start_paused = true)]\nasync fn a_long_name() {}\n    def test_it(self):";
    assert!(has_test("x.rs", text, "a_long_name"));
    assert!(!has_test("x.rs", text, "a_long"));
    assert!(has_test("python/x.py", text, "test_it"));
    assert!(!has_test("python/x.py", text, "test_i"));
}

#[test]
fn a_function_without_a_tests_attribute_is_no_test() {
    let text =
        "#[test]\n#[should_panic]\nfn tested() {}\n\n#[cfg(unix)]\nfn helper() {}\n// fn tested_not() {}";
    assert!(has_test("x.rs", text, "tested"));
    assert!(!has_test("x.rs", text, "helper"));
    assert!(!has_test("x.rs", text, "tested_not"));
}

#[test]
fn a_text_that_defines_no_test_is_none() {
    let text = "test(\"a text\", () => {});\n  session(`more text`, way);\n// a comment\nassert(\"words\");";
    assert!(has_test("js/x.test.mjs", text, "a text"));
    assert!(has_test("js/x.test.mjs", text, "more text"));
    assert!(!has_test("js/x.test.mjs", text, "a comment"));
    assert!(!has_test("js/x.test.mjs", text, "words"));
}
