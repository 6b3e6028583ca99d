//! What the JSON of each type of packet must be.

use std::ops::Range;

use super::{
    DecodeError, EventName, Limits,
    header::{Header, Kind},
    is_reserved, placeholder,
    scan::Scanner,
};
use crate::text::Text;

/// The JSON array of an event or acknowledgement.
#[derive(Debug)]
pub(crate) struct Array {
    /// The text with the array: the packet's, or a rewritten one.
    pub(crate) text: Text,
    /// Of an event.
    pub(crate) name: Option<EventName>,
    /// From the beginning of the first argument to the end of the last.
    pub(crate) range: Range<usize>,
    /// How many arguments there are.
    pub(crate) len: usize,
}

/// Reads the array of an event or acknowledgement.
pub(crate) fn array(text: Text, header: &Header, limits: &Limits) -> Result<Array, DecodeError> {
    let named = header.kind == Kind::Event;
    let (array, unusual) = scan_array(text, header.payload, named, header.attachments, limits)?;
    if !unusual {
        return Ok(array);
    }
    let rewritten = placeholder::rewrite(&array.text[header.payload..], header.attachments)?;
    let (array, _) = scan_array(Text::from(rewritten), 0, named, header.attachments, limits)?;
    Ok(array)
}

/// Also tells whether there may be placeholders in unusual spelling.
fn scan_array(
    text: Text,
    start: usize,
    named: bool,
    attachments: usize,
    limits: &Limits,
) -> Result<(Array, bool), DecodeError> {
    let mut scanner = Scanner::new(&text, start, limits.depth()).with_placeholders(attachments);
    scanner.whitespace();
    scanner.open(b'[')?;
    scanner.whitespace();
    let mut name = None;
    if named {
        name = Some(event_name(&text, &mut scanner)?);
        scanner.whitespace();
    }
    let (range, len) = arguments(&mut scanner, named)?;
    if !scanner.at_end() {
        return Err(DecodeError::InvalidPayload);
    }
    if scanner.has_illegal_placeholders() {
        return Err(DecodeError::IllegalPlaceholder);
    }
    let unusual = scanner.has_unusual_placeholders();
    Ok((Array { text, name, range, len }, unusual))
}

/// A number, or a string that is not reserved.
fn event_name(text: &Text, scanner: &mut Scanner<'_>) -> Result<EventName, DecodeError> {
    let start = scanner.pos();
    if scanner.peek() != Some(b'"') {
        scanner.number()?;
        return Ok(EventName::from_json_number(text, start..scanner.pos()));
    }
    let escaped = scanner.string()?;
    let name = EventName::from_json_string(text, start..scanner.pos(), escaped);
    if is_reserved(&name) { Err(DecodeError::InvalidPayload) } else { Ok(name) }
}

/// The items up to the closing bracket: where they are, and how many. After a name, a comma comes first.
fn arguments(scanner: &mut Scanner<'_>, named: bool) -> Result<(Range<usize>, usize), DecodeError> {
    let mut range = scanner.pos()..scanner.pos();
    let mut len = 0;
    while !scanner.take(b']') {
        if (named || len > 0) && !scanner.take(b',') {
            return Err(DecodeError::InvalidPayload);
        }
        scanner.whitespace();
        if len == 0 {
            range.start = scanner.pos();
        }
        scanner.value()?;
        range.end = scanner.pos();
        len += 1;
        scanner.whitespace();
    }
    Ok((range, len))
}

/// The place of the one JSON value that the text has after `start`.
pub(crate) fn value(text: &str, start: usize, limits: &Limits) -> Result<Range<usize>, DecodeError> {
    // One level less: the value counts as if it stood in a packet's array, so that all can be read by serde.
    let mut scanner = Scanner::new(text, start, limits.depth().saturating_sub(1));
    scanner.whitespace();
    let start = scanner.pos();
    scanner.value()?;
    let end = scanner.pos();
    if scanner.at_end() { Ok(start..end) } else { Err(DecodeError::InvalidPayload) }
}
