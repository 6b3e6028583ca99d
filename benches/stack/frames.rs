//! Websocket frames, as a client writes and reads them.

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// An Engine.IO packet in a frame of its own.
pub(crate) fn text(packet: &str) -> Vec<u8> {
    frame(1, packet.as_bytes())
}

/// An attachment.
pub(crate) fn binary(bytes: &[u8]) -> Vec<u8> {
    frame(2, bytes)
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write(&mut frame, opcode, payload);
    frame
}

/// Appends a frame.
pub(crate) fn write(frame: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    frame.push(0x80 | opcode);
    match payload.len() {
        length @ ..=125 => frame.push(0x80 | length as u8),
        length @ 126..=65_535 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// How long the header of a server's frame is.
pub(crate) fn header_length(payload: usize) -> usize {
    match payload {
        ..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    }
}

/// Of a frame of the server, if it is complete: where its payload begins, and where it ends.
pub(crate) fn bounds(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match bytes.get(1)? {
        126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into()),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        length => (2, (*length).into()),
    };
    (bytes.len() >= start + length).then_some((start, start + length))
}
