//! Rust text to words. Comments vanish, a literal is one word that begins with its quote, a lifetime is a `'`.

#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
}

pub(crate) fn words(text: &str) -> Vec<Word> {
    let (mut rest, mut line, mut found) = (text, 1, Vec::new());
    while let Some(first) = rest.chars().next() {
        let (length, word) = next(rest, first);
        if !word.is_empty() {
            found.push(Word { text: word.to_owned(), line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

pub(crate) fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// A file that only tests compile: `#[cfg(test)] mod name;`, perhaps with a `#[path = "…"]` between.
pub(crate) struct TestFile {
    pub(crate) name: String,
    pub(crate) path: Option<String>,
}

/// The words without what only tests compile, and the files declared so.
pub(crate) fn without_tests(words: Vec<Word>) -> (Vec<Word>, Vec<TestFile>) {
    let (mut kept, mut files, mut at) = (Vec::new(), Vec::new(), 0);
    while at < words.len() {
        if is_test(attribute(&words[at..])) {
            let (start, end) = item(&words, at);
            if let ["mod", name, ";"] = texts(&words[start..end])[..] {
                let path = texts(&words[at..start]).windows(3).find_map(|window| match window {
                    ["path", "=", file] => Some(file.trim_matches('"').to_owned()),
                    _ => None,
                });
                files.push(TestFile { name: name.to_owned(), path });
            }
            at = end;
        } else {
            kept.push(words[at].clone());
            at += 1;
        }
    }
    (kept, files)
}

fn texts(words: &[Word]) -> Vec<&str> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let visibility = match texts[..] {
        ["pub", "(", ..] => texts.iter().position(|&text| text == ")").map_or(0, |end| end + 1),
        ["pub", ..] => 1,
        _ => 0,
    };
    texts[visibility..].to_vec()
}

/// The words of the attribute that begins here, from `#` to `]`; none if none begins.
fn attribute(words: &[Word]) -> &[Word] {
    let mut depth = 0;
    if words.len() < 2 || words[0].text != "#" || words[1].text != "[" {
        return &[];
    }
    let end = words.iter().position(|word| {
        depth += step(&word.text);
        depth == 0 && word.text == "]"
    });
    &words[..end.map_or(0, |end| end + 1)]
}

/// `cfg(test)` or `cfg(all(test, …))`; what has a `not` or an `any` in it is taken for code of the crate.
fn is_test(attribute: &[Word]) -> bool {
    match texts(attribute)[..] {
        ["#", "[", "cfg", "(", "test", ")", "]"] => true,
        ["#", "[", "cfg", "(", "all", "(", ref all @ .., ")", ")", "]"] => {
            all.contains(&"test") && !all.contains(&"not") && !all.contains(&"any")
        }
        _ => false,
    }
}

/// Where the item behind the attributes begins and ends.
fn item(words: &[Word], mut start: usize) -> (usize, usize) {
    while !attribute(&words[start..]).is_empty() {
        start += attribute(&words[start..]).len();
    }
    let texts = texts(&words[start..]);
    let braces_end_it = match texts[..] {
        ["const", next, ..] => matches!(next, "fn" | "async" | "extern"),
        [first, ..] => !matches!(first, "use" | "let" | "static" | "type"),
        [] => false,
    };
    // A field, a variant or an arm; elsewhere a comma may stand between generics.
    let keywords = [
        "fn", "struct", "enum", "impl", "trait", "mod", "async", "const", "extern", "use", "let", "static",
        "type",
    ];
    let comma_ends_it = texts.first().is_some_and(|first| !keywords.contains(first));
    let mut depth = 0;
    for (at, word) in words.iter().enumerate().skip(start) {
        depth += step(&word.text);
        match word.text.as_str() {
            _ if depth < 0 => return (start, at),
            ";" if depth == 0 => return (start, at + 1),
            "}" if depth == 0 && braces_end_it => return (start, at + 1),
            "," if depth == 0 && comma_ends_it => return (start, at + 1),
            _ => {}
        }
    }
    (start, words.len())
}

fn step(word: &str) -> i32 {
    match word {
        "{" | "(" | "[" => 1,
        "}" | ")" | "]" => -1,
        _ => 0,
    }
}

fn next(rest: &str, first: char) -> (usize, &str) {
    if let Some(length) = comment(rest) {
        (length, "")
    } else if let Some(length) = literal(rest) {
        let quote = rest.find(['"', '\'']).unwrap_or_default();
        (length, &rest[quote..length])
    } else if first == '\'' {
        (1 + name_length(&rest[1..]), "'")
    } else if let Some(raw) = rest.strip_prefix("r#").filter(|raw| is_name(raw)) {
        let length = name_length(raw);
        (2 + length, &raw[..length])
    } else if first.is_alphanumeric() || first == '_' {
        let length = name_length(rest);
        (length, &rest[..length])
    } else if rest.starts_with("::") {
        (2, "::")
    } else if first.is_whitespace() {
        (first.len_utf8(), "")
    } else {
        (first.len_utf8(), &rest[..first.len_utf8()])
    }
}

fn name_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    let (mut at, mut depth) = (rest.starts_with("/*").then_some(2)?, 1);
    while depth > 0 && at < rest.len() {
        let (length, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += length;
        depth += change;
    }
    Some(at)
}

/// The length of the string, byte string, raw string or character that begins here.
fn literal(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let prefix = rest.len() - body.len();
    if let Some(raw) = body.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inside = raw[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let length = inside.find(&close).map_or(inside.len(), |end| end + close.len());
        return Some(prefix + 1 + hashes + 1 + length);
    }
    if let Some(inside) = body.strip_prefix('"') {
        return Some(prefix + 1 + quoted(inside, '"'));
    }
    let inside = body.strip_prefix('\'')?;
    let is_character = inside.starts_with('\\') || inside.chars().nth(1) == Some('\'');
    is_character.then(|| prefix + 1 + quoted(inside, '\''))
}

/// The length up to and with the closing quote.
fn quoted(inside: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    inside.len()
}
