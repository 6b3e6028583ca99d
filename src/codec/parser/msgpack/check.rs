//! What is a valid value: nothing is believed that was only declared.

use super::wire::{Head, Reader};
use crate::codec::parser::DecodeError;

/// Passes over one value, nested no deeper than that. It takes as long as the value is, whatever lengths it declares.
pub(super) fn skip(reader: &mut Reader<'_>, depth: usize) -> Result<(), DecodeError> {
    let head = reader.head().ok_or(DecodeError::InvalidPayload)?;
    let (len, is_map) = match head {
        Head::Text(len) | Head::Bytes(len) | Head::Extension(0, len) => {
            return reader.take(len).map(drop).ok_or(DecodeError::InvalidPayload);
        }
        Head::Extension(..) => return Err(DecodeError::InvalidPayload),
        Head::Array(len) => (len, false),
        Head::Map(len) => (len, true),
        _ => return Ok(()),
    };
    let depth = depth.checked_sub(1).ok_or(DecodeError::TooDeep)?;
    for _ in 0..len {
        if is_map {
            skip_key(reader)?;
        }
        skip(reader, depth)?;
    }
    Ok(())
}

/// Passes over the key of a map, which is a text or what JavaScript would make one of.
fn skip_key(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    match reader.head() {
        Some(Head::Text(len)) => reader.take(len).map(drop).ok_or(DecodeError::InvalidPayload),
        Some(Head::Unsigned(_) | Head::Signed(_) | Head::Float(_) | Head::Bool(_)) => Ok(()),
        _ => Err(DecodeError::InvalidPayload),
    }
}
