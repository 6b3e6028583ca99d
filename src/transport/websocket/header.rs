//! The header of a frame: read byte by byte, refused as soon as it is wrong.

use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::violation::Violation;

/// The most bytes in the payload of a control frame.
pub(super) const MAX_CONTROL: u64 = 125;

/// Two bytes, eight of the length, four of the mask.
const LONGEST: usize = 14;

/// Two bytes and four of the mask, where the length is one of the short ones.
pub(super) const SHORT: usize = 6;

/// The bits of the first byte that mean nothing by themselves.
const RESERVED: u8 = 0x70;

/// The one of them that says, where that was agreed on, that a message is compressed (RFC 7692, section 6).
pub(super) const COMPRESSED: u8 = 0x40;

/// What the header says of its frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) is_final: bool,
    /// The first frame of a compressed message.
    pub(super) is_compressed: bool,
    pub(super) mask: [u8; 4],
    pub(super) length: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
    Continuation,
    Close,
    Ping,
    Pong,
}

impl Kind {
    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn begins_message(self) -> bool {
        matches!(self, Self::Text | Self::Binary)
    }

    fn of(first: u8) -> Result<Self, Violation> {
        match OpCode::from(first & 0x0f) {
            OpCode::Data(Data::Text) => Ok(Self::Text),
            OpCode::Data(Data::Binary) => Ok(Self::Binary),
            OpCode::Data(Data::Continue) => Ok(Self::Continuation),
            OpCode::Control(Control::Close) => Ok(Self::Close),
            OpCode::Control(Control::Ping) => Ok(Self::Ping),
            OpCode::Control(Control::Pong) => Ok(Self::Pong),
            OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => Err(Violation::Opcode),
        }
    }
}

/// The bytes of a header that has not come to its end.
#[derive(Debug, Default)]
pub(super) struct UnfinishedHeader {
    bytes: [u8; LONGEST],
    length: u8,
}

impl UnfinishedHeader {
    /// The header that most messages have, if it stands at the beginning of the input: of a single frame, as it is, with
    /// a short length. It is not taken away, and nothing is said of any other.
    pub(super) fn short(&self, input: &[u8]) -> Option<(Kind, [u8; 4], usize)> {
        let ([first, second, mask @ ..], _) =
            input.split_first_chunk::<SHORT>().filter(|_| self.length == 0)?;
        let kind = match first {
            0x81 => Kind::Text,
            0x82 => Kind::Binary,
            _ => return None,
        };
        // The first bit says that there is a mask.
        let length = second.checked_sub(0x80).filter(|length| *length < 126)?;
        Some((kind, *mask, usize::from(length)))
    }

    /// Takes the bytes of the header away from the input. Nothing comes of it before its last byte has come.
    ///
    /// `may_compress` says that messages may be compressed. `may_come` is asked whether a frame of this kind may stand here.
    pub(super) fn read(
        &mut self,
        input: &mut &mut [u8],
        may_compress: bool,
        may_come: impl FnOnce(Kind) -> Result<(), Violation>,
    ) -> Result<Option<Frame>, Violation> {
        let known = usize::from(self.length);
        let taken = input.len().min(LONGEST - known);
        let mut joined = [0; LONGEST];
        // Most headers come whole, and are read where they are.
        let bytes = if known == 0 {
            &input[..taken]
        } else {
            joined[..known].copy_from_slice(&self.bytes[..known]);
            joined[known..known + taken].copy_from_slice(&input[..taken]);
            &joined[..known + taken]
        };
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let kind = check_first(first, may_compress)?;
        may_come(kind)?;
        if let Some(&second) = rest.first() {
            check_second(kind, second)?;
        }
        let Some((end, payload, mask)) = parse_rest(bytes) else {
            // At most 14.
            self.length = bytes.len() as u8;
            self.bytes[known..known + taken].copy_from_slice(&input[..taken]);
            take(input, taken);
            return Ok(None);
        };
        take(input, end - known);
        self.length = 0;
        let (is_final, is_compressed) = (first & 0x80 != 0, first & COMPRESSED != 0);
        Ok(Some(Frame { kind, is_final, is_compressed, mask, length: payload }))
    }
}

/// Where the header ends, the length of the payload and the mask, if all of them are there. That there is a mask was
/// checked.
fn parse_rest(bytes: &[u8]) -> Option<(usize, u64, [u8; 4])> {
    let ([_, second], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match second & 0x7f {
        126 => rest.split_first_chunk().map(|(bytes, rest)| (u16::from_be_bytes(*bytes).into(), rest))?,
        127 => rest.split_first_chunk().map(|(bytes, rest)| (u64::from_be_bytes(*bytes), rest))?,
        short => (u64::from(short), rest),
    };
    let (mask, rest) = rest.split_first_chunk::<4>()?;
    Some((bytes.len() - rest.len(), length, *mask))
}

/// Takes so many bytes from the beginning of the input, or all that there are.
pub(super) fn take<'a>(input: &mut &'a mut [u8], most: usize) -> &'a mut [u8] {
    let whole = std::mem::take(input);
    let length = most.min(whole.len());
    let (piece, rest) = whole.split_at_mut(length);
    *input = rest;
    piece
}

fn check_first(first: u8, may_compress: bool) -> Result<Kind, Violation> {
    let kind = Kind::of(first)?;
    let reserved = first & RESERVED;
    if reserved != 0 && !(may_compress && reserved == COMPRESSED && kind.begins_message()) {
        return Err(Violation::ReservedBits);
    }
    let is_final = first & 0x80 != 0;
    if kind.is_control() && !is_final { Err(Violation::FragmentedControl) } else { Ok(kind) }
}

fn check_second(kind: Kind, second: u8) -> Result<(), Violation> {
    if second & 0x80 == 0 {
        return Err(Violation::Unmasked);
    }
    if kind.is_control() && u64::from(second & 0x7f) > MAX_CONTROL {
        return Err(Violation::ControlLength);
    }
    Ok(())
}
