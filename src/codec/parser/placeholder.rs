//! Placeholders: `{"_placeholder":true,"num":N}` stands in the JSON for attachment number `N`.
//!
//! Encoders write exactly these characters, and the scanner takes them as one token. Any other JSON that means
//! the same (keys turned around, white space, escapes, further keys) is first brought into this form, so that
//! whoever reads values need not know another.

use super::{DecodeError, name::unescape};

const HEAD: &[u8] = br#"{"_placeholder":true,"num":"#;

/// If the JSON begins with a placeholder as encoders write it: its number and its length.
///
/// A number too large for the type is given as the largest, which is out of range as well.
pub(crate) fn canonical(json: &[u8]) -> Option<(usize, usize)> {
    let rest = json.strip_prefix(HEAD)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = rest.split_at(digits);
    if number.is_empty() || (digits > 1 && number[0] == b'0') || rest.first() != Some(&b'}') {
        return None;
    }
    let number = number
        .iter()
        .fold(0_usize, |sum, digit| sum.saturating_mul(10).saturating_add((digit - b'0').into()));
    Some((number, HEAD.len() + digits + 1))
}

/// Writes a placeholder.
pub(crate) fn write(number: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(HEAD);
    serde_json::to_writer(&mut *out, &number).expect("a number can be written to memory");
    out.push(b'}');
}

/// Whether this key, given with its quotes, is `_placeholder`.
pub(crate) fn is_flag(quoted: &[u8], escaped: bool) -> bool {
    match escaped {
        false => quoted == b"\"_placeholder\"",
        true => str::from_utf8(quoted).is_ok_and(|quoted| unescape(quoted) == "_placeholder"),
    }
}

/// Rewrites valid JSON so that every placeholder in it has the form that encoders write.
///
/// As in JavaScript, an object is a placeholder if its `_placeholder` is `true`, the last one counts if a key is
/// repeated, and other keys make no difference. Its number must be a plain integer below `attachments`.
pub(crate) fn rewrite(json: &str, attachments: usize) -> Result<String, DecodeError> {
    let mut rewriter = Rewriter { out: Vec::with_capacity(json.len()), open: Vec::new(), attachments };
    let mut rest = json;
    while !rest.is_empty() {
        let (token, after) = rest.split_at(token_len(rest.as_bytes()));
        rewriter.token(token)?;
        rest = after;
    }
    String::from_utf8(rewriter.out).map_err(|_| DecodeError::InvalidPayload)
}

/// The length of the first token of valid JSON; each white space counts as one.
fn token_len(json: &[u8]) -> usize {
    match json.first() {
        Some(b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r') => 1,
        Some(b'"') => {
            let mut escape = false;
            let end = json[1..].iter().position(|&byte| {
                let quote = byte == b'"' && !escape;
                escape = byte == b'\\' && !escape;
                quote
            });
            end.map_or(json.len(), |end| end + 2)
        }
        _ => json.iter().position(|byte| b",]} \t\n\r".contains(byte)).unwrap_or(json.len()),
    }
}

struct Rewriter<'t> {
    out: Vec<u8>,
    open: Vec<Bracket<'t>>,
    attachments: usize,
}

/// An array or object that is open, and what makes it a placeholder.
struct Bracket<'t> {
    start: usize,
    object: bool,
    /// Of an object: what the value that comes next is.
    next: Next,
    flag: bool,
    number: Option<&'t str>,
}

enum Next {
    Key,
    Flag,
    Number,
    Other,
}

impl<'t> Rewriter<'t> {
    fn token(&mut self, token: &'t str) -> Result<(), DecodeError> {
        match token.as_bytes()[0] {
            open @ (b'{' | b'[') => {
                self.note(token);
                let object = open == b'{';
                let next = if object { Next::Key } else { Next::Other };
                self.open.push(Bracket { start: self.out.len(), object, next, flag: false, number: None });
            }
            b'}' | b']' => {
                if let Some(Bracket { start, flag: true, number, .. }) = self.open.pop() {
                    self.out.truncate(start);
                    write(self.number(number)?, &mut self.out);
                    return Ok(());
                }
            }
            b',' => {
                if let Some(bracket) = self.open.last_mut().filter(|bracket| bracket.object) {
                    bracket.next = Next::Key;
                }
            }
            b':' | b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => self.note(token),
        }
        self.out.extend_from_slice(token.as_bytes());
        Ok(())
    }

    /// Remembers what a key, or the value of a key, says about the object around it.
    fn note(&mut self, token: &'t str) {
        let Some(bracket) = self.open.last_mut() else { return };
        bracket.next = match bracket.next {
            Next::Key => match &*unescape(token) {
                "_placeholder" => Next::Flag,
                "num" => Next::Number,
                _ => Next::Other,
            },
            Next::Flag => {
                bracket.flag = token == "true";
                Next::Other
            }
            Next::Number => {
                bracket.number = Some(token);
                Next::Other
            }
            Next::Other => Next::Other,
        };
    }

    fn number(&self, token: Option<&str>) -> Result<usize, DecodeError> {
        token
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|number| *number < self.attachments)
            .ok_or(DecodeError::IllegalPlaceholder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_encoders_is_recognized() {
        let mut json = Vec::new();
        write(12, &mut json);
        assert_eq!(json, br#"{"_placeholder":true,"num":12}"#);
        assert_eq!(canonical(&json), Some((12, json.len())));
        json.extend_from_slice(b",1]");
        assert_eq!(canonical(&json), Some((12, json.len() - 3)));
    }

    #[test]
    fn nothing_else_is_taken_for_it() {
        for json in [
            r#"{"_placeholder":true,"num":}"#,
            r#"{"_placeholder":true,"num":01}"#,
            r#"{"_placeholder":true,"num":-1}"#,
            r#"{"_placeholder":true,"num":1.0}"#,
            r#"{"_placeholder":true,"num":1 }"#,
            r#"{"_placeholder":true,"num":1"#,
            r#"{"_placeholder":true,"num":"1"}"#,
            r#"{"_placeholder":false,"num":1}"#,
            r#"{"num":1,"_placeholder":true}"#,
        ] {
            assert_eq!(canonical(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn every_spelling_is_rewritten() {
        let canonical = r#"["a",{"_placeholder":true,"num":1}]"#;
        for json in [
            canonical,
            r#"["a",{"num":1,"_placeholder":true}]"#,
            r#"["a",{ "_placeholder" : true , "num" : 1 }]"#,
            r#"["a",{"\u005fplaceholder":true,"n\u0075m":1}]"#,
            r#"["a",{"_placeholder":true,"num":1,"x":[{"y":"}"}]}]"#,
            r#"["a",{"x":{"num":5},"_placeholder":true,"num":1}]"#,
            r#"["a",{"num":7,"_placeholder":false,"_placeholder":true,"num":1}]"#,
        ] {
            assert_eq!(rewrite(json, 2).as_deref(), Ok(canonical), "{json}");
        }
    }

    #[test]
    fn what_is_no_placeholder_is_kept() {
        for json in [
            r#"[{"_placeholder":false,"num":9}]"#,
            r#"[{"_placeholder":1,"num":9}]"#,
            r#"[{"_placeholder":"true","num":9}]"#,
            r#"[{"_placeholder":[true],"num":9}]"#,
            r#"[{"_placeholder":{"a":true},"num":9}]"#,
            r#"[{"_placeholder":true,"num":9,"_placeholder":null}]"#,
            r#"[{"a":"_placeholder","b":true,"num":9}]"#,
            r#"["_placeholder",true, "\"}\\", {"é" : [1e5,null]}, [] ]"#,
        ] {
            assert_eq!(rewrite(json, 2).as_deref(), Ok(json));
        }
    }

    #[test]
    fn a_number_that_is_no_attachment_is_refused() {
        for number in ["2", "-1", "0.5", "1.0", "1e0", "\"1\"", "null", "[1]", "{}", "99999999999999999999"] {
            let json = format!(r#"[{{"num":{number},"_placeholder":true}}]"#);
            assert_eq!(rewrite(&json, 2), Err(DecodeError::IllegalPlaceholder), "{json}");
        }
        assert_eq!(rewrite(r#"[{ "_placeholder":true}]"#, 2), Err(DecodeError::IllegalPlaceholder));
    }
}
