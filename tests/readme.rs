//! The long texts show code that is compiled: doc tests, or what stands in the examples.

#[test]
fn hello_world_in_the_readme_is_the_compiled_example() {
    let readme = include_str!("../README.md");
    let example = include_str!("../examples/hello/src/main.rs");
    let (_, code) = example.split_once("\n\n").expect("a doc comment, an empty line, the code");
    assert!(readme.contains(code), "copy examples/hello/src/main.rs into README.md, without its first line");
}

/// Frameworks are no dependencies of the crate, so its doc tests cannot show them.
#[test]
fn code_of_frameworks_in_the_guide_is_that_of_the_compiled_examples() {
    let guide = include_str!("../docs/frameworks.md");
    let examples = [
        include_str!("../examples/poem/src/main.rs"),
        include_str!("../examples/salvo/src/main.rs"),
        include_str!("../examples/tonic/src/main.rs"),
        include_str!("../examples/warp/src/main.rs"),
    ];
    let lines: Vec<_> = guide
        .split("```rs\n")
        .skip(1)
        .filter_map(|block| block.split_once("```"))
        .flat_map(|(code, _)| code.lines().map(str::trim))
        .collect();
    assert!(lines.len() > 10, "the guide shows code of frameworks");
    for line in lines {
        let is_compiled =
            examples.iter().any(|example| example.lines().any(|compiled| compiled.trim() == line));
        assert!(line.is_empty() || is_compiled, "no example has the line `{line}`: copy it from there");
    }
}
