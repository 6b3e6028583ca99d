//! An acknowledgement that is written straight into its packet.

use super::{Args, Encoded};

/// An acknowledgement with its arguments, of which no copy is made unless somebody asks for them.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    packet: Encoded,
    /// Where the arguments begin in its first message. They end before its last bracket.
    start: usize,
    len: usize,
}

impl Acknowledgement {
    pub(super) fn new(packet: Encoded, start: usize, len: usize) -> Self {
        Self { packet, start, len }
    }

    pub(crate) fn into_packet(self) -> Encoded {
        self.packet
    }

    pub(crate) fn args(&self) -> Args {
        Args::within(&self.packet, self.start..self.packet.first().len() - 1, self.len)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::codec::parser::{Args, DefaultParser, Limits, Parser, Payload};

    #[test]
    fn the_arguments_are_found_again() {
        let bytes = Bytes::from_static(b"ab");
        let written = |data: &Payload<'_>| {
            DefaultParser.acknowledge("/a", 17, data, &Limits::default()).unwrap().unwrap()
        };
        let plain = written(&Payload::new(&&("a", 1)));
        assert_eq!((plain.args().json(), plain.args().len()), (Some(r#""a",1"#), 2));
        assert_eq!(&**plain.into_packet().first(), br#"43/a,17["a",1]"#);
        let empty = written(&Payload::new(&&()));
        assert_eq!((empty.args().json(), empty.args().len()), (Some(""), 0));
        let args = Args::encode(&(bytes.clone(), "é", bytes)).unwrap();
        let binary = written(&Payload::args(&args));
        assert_eq!((binary.args().json(), binary.args().len()), (args.json(), 3));
        assert_eq!(binary.args().attachments(), args.attachments());
    }
}
