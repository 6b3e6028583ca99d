//! Rules about single words: what is pure, who spawns, what is never written.

use crate::{
    Files,
    house::House,
    imports::{Source, Target},
    lexer::{Word, is_name, words},
};

const SPAWN: &[&str] =
    &["spawn", "spawn_local", "spawn_blocking", "spawn_on", "spawn_local_on", "spawn_blocking_on"];

/// Time is an argument of pure code, and so is everything that was read.
pub(crate) fn impure(house: &House, pure: &[&str]) -> Vec<String> {
    let sources = house.sources().filter(|source| pure.iter().any(|prefix| source.path.starts_with(prefix)));
    let found = sources.flat_map(|source| {
        matches(&source.words, |text| match text {
            ["async" | "await" | "SystemTime", ..] => true,
            ["Instant", "::", "now", ..] | [".", "elapsed", "(", ")", ..] => true,
            _ => text[0].starts_with("tokio"),
        })
        .map(|word| format!("{}:{}: `{}` in code that is to be pure", source.path, word.line, word.text))
    });
    found.collect()
}

/// Tasks begin in one file for each of the `homes`: one of its files, or one in its folders.
pub(crate) fn spawning(house: &House, homes: &[&[&str]]) -> Vec<String> {
    let places: Vec<(&Source, usize)> = house
        .sources()
        .flat_map(|source| spawns(source).into_iter().map(move |line| (source, line)))
        .collect();
    let home_of = |source: &Source| {
        homes.iter().find(|home| home.iter().any(|start| source.path.starts_with(start))).copied()
    };
    let is_first = |source: &Source| {
        let home = home_of(source);
        let first = places.iter().find(|(other, _)| home.is_some() && home_of(other) == home);
        first.is_some_and(|(first, _)| first.path == source.path)
    };
    let strangers = places.iter().filter(|(source, _)| !is_first(source));
    let homes = homes.iter().map(|home| home.join(" or ")).collect::<Vec<_>>().join("; ");
    strangers
        .map(|(source, line)| {
            format!("{}:{line}: a task is spawned; only one file does: {homes}", source.path)
        })
        .collect()
}

fn spawns(source: &Source) -> Vec<usize> {
    let methods =
        matches(&source.words, |text| matches!(text, [".", name, "(" | "::", ..] if SPAWN.contains(name)));
    let paths = source.imports.iter().filter(|import| match source.target(import) {
        Target::Outside(path) => match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["tokio", .., last] => last == "*" || SPAWN.contains(&last),
            ["std", "thread", .., last] => last == "*" || SPAWN.contains(&last),
            _ => false,
        },
        Target::Inside(_) => false,
    });
    methods.map(|word| word.line).chain(paths.map(|import| import.line)).collect()
}

/// Every queue has a limit, in tests too. A `std::sync::mpsc::channel` has none.
pub(crate) fn unbounded(files: &Files) -> Vec<String> {
    let in_words = each(files, |text| is_name(text[0]) && text[0].to_lowercase().contains("unbounded"));
    let house = House::new(files);
    let in_paths = house.sources().flat_map(|source| {
        let unlimited = source.imports.iter().filter(|import| match source.target(import) {
            Target::Outside(path) => path.starts_with(&["std", "sync", "mpsc", "channel"].map(str::to_owned)),
            Target::Inside(_) => false,
        });
        unlimited
            .map(|import| format!("{}:{}: `std::sync::mpsc::channel` has no limit", source.path, import.line))
    });
    in_words.into_iter().chain(in_paths).collect()
}

pub(crate) fn unsafe_code(files: &Files) -> Vec<String> {
    each(files, |text| text[0] == "unsafe")
}

/// What would make a module of a file that the reader takes for another one, or for none; test files may be moved.
pub(crate) fn moved_files(house: &House) -> Vec<String> {
    let found = house.sources().flat_map(|source| {
        matches(&source.words, |text| matches!(text, ["#", "[", "path", "=", ..] | ["include", "!", ..])).map(
            |word| {
                format!(
                    "{}:{}: `include!`, or `#[path]` without a `#[cfg(test)]` above it",
                    source.path, word.line
                )
            },
        )
    });
    found.collect()
}

pub(crate) fn long_files(files: &Files, most: usize) -> Vec<String> {
    let lengths = files.iter().map(|(path, text)| (path, text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > most);
    long.map(|(path, lines)| format!("{path}: {lines} lines, and {most} are the most: cut it in two"))
        .collect()
}

fn each(files: &Files, unwanted: impl Fn(&[&str]) -> bool) -> Vec<String> {
    let found = files.iter().flat_map(|(path, text)| {
        let words = words(text);
        let unwanted = matches(&words, &unwanted);
        unwanted
            .map(|word| format!("{path}:{}: `{}` is not for src/", word.line, word.text))
            .collect::<Vec<_>>()
    });
    found.collect()
}

/// The words at which `wanted` holds of that word and up to three more.
fn matches(words: &[Word], wanted: impl Fn(&[&str]) -> bool) -> impl Iterator<Item = &Word> {
    let is_wanted = move |at: &usize| {
        let texts: Vec<&str> = words[*at..].iter().take(4).map(|word| word.text.as_str()).collect();
        wanted(&texts)
    };
    (0..words.len()).filter(is_wanted).map(|at| &words[at])
}
