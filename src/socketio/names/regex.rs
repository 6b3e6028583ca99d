//! Names by a regular expression.

use regex::Regex;

use super::{
    NamespaceError, NamespaceParams,
    matcher::{IntoNames, Match, Named, Names},
};

/// All names that the expression finds something in, as `io.of(/^\/dynamic-\d+$/)` does: whoever means the whole name
/// writes `^` and `$`. Its groups are parameters, by their names or numbers.
impl IntoNames<Named> for Regex {
    fn into_names(self) -> Result<Names, NamespaceError> {
        let source = self.as_str().to_owned();
        Ok(Names::matching(&source, self))
    }
}

impl Match for Regex {
    fn params(&self, name: &str) -> Option<NamespaceParams> {
        if self.captures_len() == 1 {
            return self.is_match(name).then(NamespaceParams::default);
        }
        let captures = self.captures(name)?;
        let groups = self.capture_names().enumerate().zip(captures.iter()).skip(1);
        let params = groups.filter_map(|((number, group), found)| {
            let key = group.map_or_else(|| number.to_string(), str::to_owned);
            Some((key, found?.as_str().to_owned()))
        });
        Some(params.collect())
    }

    fn shape(&self) -> String {
        // No pattern begins with this.
        format!("regex {}", self.as_str())
    }
}
