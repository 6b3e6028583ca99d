//! The tables of `docs/performance.md`.

use std::{
    fmt, fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// How often and how much, for each of what the name says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    name: String,
    /// In thousandths.
    pub(crate) allocations: u64,
    bytes: u64,
}

impl Row {
    pub(crate) fn new(name: &str, allocations: u64, bytes: u64, units: u64) -> Self {
        Self {
            name: name.to_owned(),
            allocations: rounded(allocations * 1_000, units),
            bytes: rounded(bytes, units),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, allocations, bytes] = cells.try_into().ok()?;
        let (whole, rest) = allocations.split_once('.').unwrap_or((allocations, ""));
        let thousandths: u64 = format!("{rest:0<3}").parse().ok()?;
        let allocations = whole.parse::<u64>().ok()? * 1_000 + thousandths;
        Some(Self { name: name.to_owned(), allocations, bytes: bytes.parse().ok()? })
    }

    /// Compilers do not all lay out futures alike: of the bytes, two in a hundred are no difference.
    fn is_as(&self, budget: &Self) -> bool {
        self.name == budget.name
            && self.allocations == budget.allocations
            && self.bytes.abs_diff(budget.bytes) * 50 <= budget.bytes
    }
}

fn rounded(sum: u64, units: u64) -> u64 {
    (sum + units / 2) / units
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.allocations / 1_000, self.allocations % 1_000);
        let rest = if rest == 0 { String::new() } else { format!(".{rest:03}") };
        write!(f, "| {} | {whole}{} | {} |", self.name, rest.trim_end_matches('0'), self.bytes)
    }
}

/// Tests that write do it one after the other.
static PAGE: Mutex<()> = Mutex::new(());

/// The rows are those of the table that stands between `<!-- budget: NAME -->` and `<!-- end -->`.
pub(crate) fn assert_budget(name: &str, rows: Vec<Row>) {
    let _page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let page = fs::read_to_string(&path).expect("the page can be read");
    let begin = format!("<!-- budget: {name} -->\n");
    let (before, table) = page.split_once(&begin).expect("the page has this table");
    let (table, after) = table.split_once("<!-- end -->").expect("the table has an end");
    // After the head of the table and its line.
    let head: Vec<&str> = table.lines().take(2).collect();
    let budget: Vec<Row> = table.lines().skip(2).filter_map(Row::parse).collect();
    if rows.len() == budget.len() && rows.iter().zip(&budget).all(|(row, budget)| row.is_as(budget)) {
        return;
    }
    let written: String = rows.iter().map(|row| format!("{row}\n")).collect();
    if std::env::var_os("BUDGETS").is_some_and(|value| value == "write") {
        let page = format!("{before}{begin}{}\n{written}<!-- end -->{after}", head.join("\n"));
        fs::write(&path, page).expect("the page can be written");
        return;
    }
    let others = rows.iter().filter(|row| !budget.iter().any(|budget| row.is_as(budget)));
    let changes: Vec<String> = others
        .map(|row| {
            let was = budget.iter().find(|budget| budget.name == row.name);
            format!("is:  {row}\nwas: {}", was.map_or_else(|| "not there".to_owned(), Row::to_string))
        })
        .collect();
    panic!(
        "\nThe budget `{name}` of docs/performance.md is not kept:\n\n{}\n\n\
         Is it meant? Then write it down: BUDGETS=write cargo test --test allocations\n",
        changes.join("\n")
    );
}

#[test]
fn rows_are_read_as_they_are_written() {
    for line in ["| an event | 4 | 189 |", "| a delivery, of 64 | 1.125 | 104 |", "| nothing | 0 | 0 |"] {
        assert_eq!(Row::parse(line).map(|row| row.to_string()).as_deref(), Some(line));
    }
    assert_eq!(Row::parse("| a | 0.02 | 1 |"), Some(Row { name: "a".to_owned(), allocations: 20, bytes: 1 }));
}
