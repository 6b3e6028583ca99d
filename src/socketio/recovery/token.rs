//! What a client brings to be recovered.

use serde::Deserialize;

use crate::codec::parser::Json;

/// The private id of a session, and the last offset that the client has seen. Beside it in the payload of CONNECT is
/// whatever the application's client sends.
#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) pid: String,
    pub(crate) offset: String,
}

impl Token {
    /// Only if both are there, and are strings.
    pub(crate) fn of(auth: Option<&Json>) -> Option<Self> {
        auth?.deserialize().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn token(json: &str) -> Option<(String, String)> {
        let json = Json::parse(Text::from(json.to_owned())).unwrap();
        Token::of(Some(&json)).map(|token| (token.pid, token.offset))
    }

    #[test]
    fn both_parts_are_strings() {
        let whole = Some(("a".to_owned(), "b".to_owned()));
        assert_eq!(token(r#"{"pid":"a","offset":"b"}"#), whole);
        assert_eq!(token(r#"{"token":{"x":1},"offset":"b","pid":"a"}"#), whole);
        for json in [
            "{}",
            r#"{"pid":"a"}"#,
            r#"{"offset":"b"}"#,
            r#"{"pid":"a","offset":null}"#,
            r#"{"pid":"a","offset":1}"#,
            r#"{"pid":["a"],"offset":"b"}"#,
            r#"{"pid":{"a":1},"offset":"b"}"#,
        ] {
            assert_eq!(token(json), None, "{json}");
        }
        assert!(Token::of(None).is_none());
    }
}
