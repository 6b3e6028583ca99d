//! All files together: where a path leads, which arrows that makes, and whether they keep to the floors.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    Files,
    imports::{HOPS, Import, Module, Source, Target},
};

/// A row of the table: a module, or with `*` one module of many, and what it may import.
#[derive(Debug)]
pub(crate) struct Room {
    module: &'static str,
    floor: usize,
    below: usize,
    also: &'static [&'static str],
}

impl Room {
    /// Imports all lower floors and `also`, which stand on the same floor or are exceptions of `below`.
    pub(crate) const fn new(module: &'static str, floor: usize, also: &'static [&'static str]) -> Self {
        Self { module, floor, below: floor, also }
    }

    /// Imports only the floors under `below`.
    pub(crate) const fn below(mut self, below: usize) -> Self {
        self.below = below;
        self
    }

    /// The row for a module, and the part of the module's path which names its room.
    fn of<'r>(rooms: &'r [Self], module: &[String]) -> Option<(&'r Self, String)> {
        let fits = |room: &&Self| {
            let mut names = room.module.split("::").enumerate();
            names.all(|(at, name)| module.get(at).is_some_and(|found| name == "*" || name == found))
        };
        let exactness = |room: &&Self| (room.module.split("::").count(), !room.module.ends_with('*'));
        let room = rooms.iter().filter(fits).max_by_key(exactness)?;
        Some((room, module[..room.module.split("::").count()].join("::")))
    }
}

struct Arrow<'a> {
    from: &'a Source,
    /// The file that the written path names, perhaps a face.
    named: &'a Source,
    /// The file that defines it, behind the face's re-exports.
    to: &'a Source,
    line: usize,
}

#[derive(Debug)]
pub(crate) struct House {
    sources: BTreeMap<Module, Source>,
}

impl House {
    pub(crate) fn new(files: &Files) -> Self {
        let read = files.iter().map(|(path, text)| Source::read(path, text));
        let mut sources: BTreeMap<Module, Source> =
            read.map(|source| (source.module.clone(), source)).collect();
        let tests: Vec<Module> =
            sources.values().flat_map(|source| source.test_modules.iter().cloned()).collect();
        sources.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
        Self { sources }
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }

    /// Everything that is wrong, a sentence each.
    pub(crate) fn violations(&self, rooms: &[Room]) -> Vec<String> {
        let arrows = self.arrows();
        let mut found: BTreeSet<String> =
            self.sources().filter_map(|source| homeless(source, rooms)).collect();
        found.extend(arrows.iter().flat_map(|arrow| floors(arrow, rooms)));
        found.extend(self.globs());
        found.extend(circles(&arrows));
        found.into_iter().collect()
    }

    fn arrows(&self) -> Vec<Arrow<'_>> {
        let mut arrows = Vec::new();
        for from in self.sources() {
            for (import, path) in inside(from) {
                if !from.hands_on(import, &path) {
                    let (named, to) = (self.file(&path), self.defining(path));
                    arrows.push(Arrow { from, named, to, line: import.line });
                }
            }
        }
        arrows
            .retain(|arrow| arrow.from.module != arrow.to.module || arrow.from.module != arrow.named.module);
        arrows
    }

    /// The deepest file on the path.
    fn file(&self, path: &[String]) -> &Source {
        let deepest = (0..=path.len()).rev().find_map(|length| self.sources.get(&path[..length]));
        deepest.expect("every path ends at src/lib.rs at last")
    }

    fn defining(&self, mut path: Module) -> &Source {
        for _ in 0..HOPS {
            let face = self.file(&path);
            let behind = path[face.module.len()..].split_first();
            match behind.and_then(|(name, rest)| Some((reexported(face, name)?, rest))) {
                Some((target, rest)) => path = [&target, rest].concat(),
                None => break,
            }
        }
        self.file(&path)
    }

    /// A glob hides which file a name comes from, where there is more than one.
    fn globs(&self) -> Vec<String> {
        let mut found = Vec::new();
        for source in self.sources() {
            for (import, path) in inside(source).filter(|(import, _)| import.is_glob()) {
                let module = &path[..path.len() - 1];
                let is_module = self.sources.contains_key(module);
                if is_module && (import.public || self.is_face(module)) {
                    let (at, name) = (place(source, import.line), name(module));
                    found.push(format!(
                        "{at}: the glob `{name}::*` hides which file a name comes from: write the names"
                    ));
                }
            }
        }
        found
    }

    fn is_face(&self, module: &[String]) -> bool {
        self.sources.keys().any(|other| other.len() > module.len() && other.starts_with(module))
    }
}

/// The paths of a file that stay in the crate.
fn inside(source: &Source) -> impl Iterator<Item = (&Import, Module)> {
    source.imports.iter().filter_map(|import| match source.target(import) {
        Target::Inside(path) => Some((import, path)),
        Target::Outside(_) => None,
    })
}

/// Where a face has the name from, if from below itself.
fn reexported(face: &Source, name: &str) -> Option<Module> {
    let mut exports = face.imports.iter().filter(|import| import.public && import.within == face.module);
    match face.target(exports.find(|import| import.name.as_deref() == Some(name))?) {
        Target::Inside(path) => path.starts_with(&face.module).then_some(path),
        Target::Outside(_) => None,
    }
}

fn homeless(source: &Source, rooms: &[Room]) -> Option<String> {
    let top = source.module.first()?;
    let (path, known) = (&source.path, Room::of(rooms, &source.module).is_some());
    (!known).then(|| format!("{path}: the module `{top}` stands on no floor: add it to the table ROOMS in tests/architecture/main.rs"))
}

/// Both the path that is written and the file behind it must be allowed.
fn floors(arrow: &Arrow<'_>, rooms: &[Room]) -> BTreeSet<String> {
    let (at, from) = (place(arrow.from, arrow.line), &arrow.from.module);
    if arrow.named.module.is_empty() && !from.is_empty() {
        return [format!(
            "{at}: {} imports from the crate's root: name the module, not the re-export",
            name(from)
        )]
        .into();
    }
    let targets = [&arrow.named.module, &arrow.to.module];
    let refusals = targets.into_iter().filter_map(|to| Some((to, refusal(from, to, rooms)?)));
    refusals.map(|(to, why)| format!("{at}: {} → {} {why}", name(from), name(to))).collect()
}

fn refusal(from: &[String], to: &[String], rooms: &[Room]) -> Option<String> {
    // Who has no room is reported as such; the root (no row) may import everything.
    let ((room, here), (other, there)) = (Room::of(rooms, from)?, Room::of(rooms, to)?);
    if here == there || other.floor < room.below || room.also.contains(&there.as_str()) {
        return None;
    }
    Some(if other.floor > room.floor {
        format!("points upwards, from floor {} to floor {}", room.floor, other.floor)
    } else if other.floor == room.floor {
        format!("is a neighbour on floor {}, and the table does not list it", room.floor)
    } else {
        format!("skips its limit: {here} imports floors below {} only", room.below)
    })
}

/// One circle, the shortest, for each knot of files.
fn circles(arrows: &[Arrow<'_>]) -> Vec<String> {
    let mut edges: BTreeMap<&Module, BTreeMap<&Module, String>> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| arrow.from.module != arrow.to.module) {
        let targets = edges.entry(&arrow.from.module).or_default();
        targets.entry(&arrow.to.module).or_insert_with(|| place(arrow.from, arrow.line));
    }
    let mut found = Vec::new();
    for start in edges.keys() {
        let Some(circle) = shortest_circle(&edges, start) else { continue };
        if circle.iter().all(|module| module >= start) {
            let next = circle.iter().cycle().skip(1);
            let steps = circle.iter().zip(next).map(|(a, b)| format!("{} ({}) → ", name(a), edges[a][b]));
            found.push(format!("a circle of files: {}{}", steps.collect::<String>(), name(start)));
        }
    }
    found
}

fn shortest_circle<'a, T>(
    edges: &BTreeMap<&'a Module, BTreeMap<&'a Module, T>>,
    start: &'a Module,
) -> Option<Vec<&'a Module>> {
    let (mut ways, mut seen) = (VecDeque::from([vec![start]]), BTreeSet::new());
    while let Some(way) = ways.pop_front() {
        for &next in edges.get(way[way.len() - 1]).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back([way.as_slice(), &[next]].concat());
            }
        }
    }
    None
}

fn name(module: &[String]) -> String {
    if module.is_empty() { "crate".to_owned() } else { module.join("::") }
}

fn place(source: &Source, line: usize) -> String {
    format!("{}:{line}", source.path)
}
