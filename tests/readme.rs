//! The README shows code that is compiled: its hello world is the example of that name.

#[test]
fn hello_world_in_the_readme_is_the_compiled_example() {
    let readme = include_str!("../README.md");
    let example = include_str!("../examples/hello/src/main.rs");
    let (_, code) = example.split_once("\n\n").expect("a doc comment, an empty line, the code");
    assert!(readme.contains(code), "copy examples/hello/src/main.rs into README.md, without its first line");
}
