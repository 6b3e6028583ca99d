//! The paths that one file writes: `use` trees leaf by leaf, and inline paths wherever they stand.

use std::collections::BTreeSet;

use crate::lexer::{TestFile, Word, is_name, without_tests, words};

/// The segments of a path below `crate`; none is the crate's root.
pub(crate) type Module = Vec<String>;

/// How many imports and re-exports a name is followed through.
pub(crate) const HOPS: usize = 8;

/// What a written path means: a path of this crate, or of another one (or of an item in the same file).
pub(crate) enum Target {
    Inside(Module),
    Outside(Vec<String>),
}

/// One file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) module: Module,
    pub(crate) words: Vec<Word>,
    /// The modules declared here that only tests compile.
    pub(crate) test_modules: Vec<Module>,
    /// Paths of the modules declared here, in files or inline.
    pub(crate) children: Vec<Module>,
    pub(crate) imports: Vec<Import>,
    /// The single names in its code, outside of `use` items.
    names: BTreeSet<String>,
}

/// One path as it is written. A glob ends with `*`; a path that begins with `::` keeps it as its first segment.
#[derive(Debug)]
pub(crate) struct Import {
    /// The (perhaps inline) module it stands in.
    pub(crate) within: Module,
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    /// The name that a `use` gives; an inline path gives none.
    pub(crate) name: Option<String>,
    /// `pub use`, `pub(crate) use`.
    pub(crate) public: bool,
}

impl Import {
    pub(crate) fn is_glob(&self) -> bool {
        self.path.last().is_some_and(|last| last == "*")
    }
}

impl Source {
    pub(crate) fn read(path: &str, text: &str) -> Self {
        let module = module_of(path);
        let (words, test_files) = without_tests(words(text));
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let test_module = |test: TestFile| match test.path {
            Some(file) => module_of(&format!("{folder}/{file}")),
            None => child(&module, &test.name),
        };
        let test_modules = test_files.into_iter().map(test_module).collect();
        let (mut reader, end) = (Reader::new(&words, module.clone()), words.len());
        while reader.at < end {
            reader.step();
        }
        let Reader { children, imports, names, .. } = reader;
        Self { path: path.to_owned(), module, test_modules, children, imports, names, words }
    }

    /// Whether an import only hands a name of a child on; code that uses the name itself depends on the child.
    pub(crate) fn hands_on(&self, import: &Import, target: &[String]) -> bool {
        let unused = import.name.as_ref().is_none_or(|name| !self.names.contains(name));
        import.public && target.starts_with(&self.module) && unused
    }

    /// Follows the names of a file's own imports until the path is absolute.
    pub(crate) fn target(&self, import: &Import) -> Target {
        let (within, mut path) = (&import.within, import.path.clone());
        for _ in 0..HOPS {
            let first = path[0].as_str();
            if let Some(mut module) = start(within, first) {
                for segment in &path[1..] {
                    if segment == "super" { drop(module.pop()) } else { module.push(segment.clone()) }
                }
                return Target::Inside(module);
            }
            if self.children.contains(&[within, &path[..1]].concat()) {
                return Target::Inside([within.as_slice(), &path].concat());
            }
            let named = |other: &&Import| other.within == *within && other.name.as_deref() == Some(first);
            match self.imports.iter().find(named) {
                Some(other) => path = [&other.path, &path[1..]].concat(),
                None => break,
            }
        }
        Target::Outside(path.into_iter().filter(|segment| segment != "::").collect())
    }
}

/// What the first segment means, if it is a word of the language (or the crate's own name).
fn start(within: &[String], first: &str) -> Option<Module> {
    match first {
        "crate" | "tower_socketio" => Some(Vec::new()),
        "self" => Some(within.to_vec()),
        "super" => Some(within.split_last().map_or(Vec::new(), |(_, above)| above.to_vec())),
        _ => None,
    }
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are both `a::b`.
fn module_of(path: &str) -> Module {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || path == "lib" {
        module.pop();
    }
    module
}

fn child(module: &[String], name: &str) -> Module {
    [module, &[name.to_owned()]].concat()
}

struct Reader<'a> {
    words: &'a [Word],
    at: usize,
    depth: usize,
    within: Module,
    /// The depths at which the inline modules around us began.
    inline: Vec<usize>,
    children: Vec<Module>,
    imports: Vec<Import>,
    names: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn new(words: &'a [Word], within: Module) -> Self {
        let (inline, children, imports, names) = (Vec::new(), Vec::new(), Vec::new(), BTreeSet::new());
        Self { words, at: 0, depth: 0, within, inline, children, imports, names }
    }

    fn word(&self, ahead: usize) -> &'a str {
        self.words.get(self.at + ahead).map_or("", |word| &word.text)
    }

    fn before(&self, back: usize) -> &'a str {
        self.at.checked_sub(back).map_or("", |at| &self.words[at].text)
    }

    fn step(&mut self) {
        match (self.word(0), self.word(1), self.word(2)) {
            ("mod", name, end @ ("{" | ";")) => self.declared(name, end == "{"),
            ("use", ..) => self.use_item(),
            _ if self.path_begins() => self.inline_path(),
            ("{", ..) => {
                self.depth += 1;
                self.at += 1;
            }
            ("}", ..) => self.closed(),
            (word, ..) => {
                if is_name(word) && !matches!(self.before(1), "." | "::") {
                    self.names.insert(word.to_owned());
                }
                self.at += 1;
            }
        }
    }

    fn declared(&mut self, name: &str, inline: bool) {
        let module = child(&self.within, name);
        self.children.push(module.clone());
        if inline {
            self.inline.push(self.depth);
            self.depth += 1;
            self.within = module;
        }
        self.at += 3;
    }

    fn closed(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.inline.last() == Some(&self.depth) {
            self.inline.pop();
            self.within.pop();
        }
        self.at += 1;
    }

    fn path_begins(&self) -> bool {
        if self.word(0) == "::" {
            return is_name(self.word(1)) && !is_name(self.before(1)) && self.before(1) != ">";
        }
        let is_visibility = self.before(1) == "in" && self.before(2) == "(";
        is_name(self.word(0)) && self.word(1) == "::" && self.before(1) != "::" && !is_visibility
    }

    fn inline_path(&mut self) {
        let line = self.words[self.at].line;
        let mut path = vec![self.word(0).to_owned()];
        self.at += 1;
        if path[0] == "::" {
            path.push(self.word(0).to_owned());
            self.at += 1;
        }
        while self.word(0) == "::" && is_name(self.word(1)) {
            path.push(self.word(1).to_owned());
            self.at += 2;
        }
        self.imports.push(Import { within: self.within.clone(), path, line, name: None, public: false });
    }

    fn use_item(&mut self) {
        let public = matches!(self.before(1), "pub" | ")");
        self.at += 1;
        self.use_tree(Vec::new(), public);
    }

    fn use_tree(&mut self, mut path: Vec<String>, public: bool) {
        let line = self.words.get(self.at).map_or(0, |word| word.line);
        loop {
            let word = self.word(0);
            self.at += 1;
            match word {
                "" => return,
                "{" => return self.use_group(&path, public),
                "$" => continue,
                "::" if !path.is_empty() => continue,
                "self" if !path.is_empty() => {}
                _ => path.push(word.to_owned()),
            }
            if self.word(0) != "::" && word != "::" {
                break;
            }
        }
        let mut name = path.last().cloned();
        if self.word(0) == "as" {
            name = Some(self.word(1).to_owned());
            self.at += 2;
        }
        self.imports.push(Import { within: self.within.clone(), path, line, name, public });
    }

    fn use_group(&mut self, path: &[String], public: bool) {
        while !matches!(self.word(0), "}" | "") {
            self.use_tree(path.to_vec(), public);
            if self.word(0) == "," {
                self.at += 1;
            }
        }
        self.at += 1;
    }
}
