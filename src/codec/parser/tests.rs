//! Values through the encoder and back through the decoder.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::*;
use crate::text::Text;

/// A small deterministic generator (xorshift), so that failures repeat.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

/// Sends a packet from the encoder to the decoder.
pub(super) fn deliver(packet: &Encoded) -> Packet {
    let text = str::from_utf8(packet.first()).unwrap().strip_prefix('4').unwrap();
    let mut decoder = Decoder::new(Limits::default());
    let mut packet_of = decoder.text(Text::from(text)).unwrap();
    for attachment in packet.attachments() {
        assert!(packet_of.is_none());
        packet_of = decoder.binary(attachment.clone()).unwrap();
    }
    packet_of.expect("complete")
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Number(f64),
    Text(String),
    Binary(Bytes),
    Pair(Box<Tree>, Option<u64>),
    Node {
        name: String,
        children: Vec<Tree>,
        #[serde(flatten)]
        more: BTreeMap<String, Either>,
    },
    Keyed(BTreeMap<i32, Tree>),
    Tagged(Tagged),
    Either(Either),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    File { content: Bytes, name: String },
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Named { content: Bytes },
    Binary(Bytes),
}

fn text(random: &mut Random) -> String {
    let pieces = [
        "a",
        "\"",
        "\\",
        "\n",
        "\u{0}",
        "é",
        "😀",
        "}",
        "]",
        ",",
        "{\"_placeholder\":true,\"num\":0}",
        "num",
    ];
    (0..random.below(6)).map(|_| pieces[random.below(pieces.len())]).collect()
}

fn binary(random: &mut Random, left: &mut usize) -> Option<Bytes> {
    *left = left.checked_sub(1)?;
    Some((0..random.below(20)).map(|_| random.below(256) as u8).collect())
}

fn either(random: &mut Random, left: &mut usize) -> Either {
    match (random.below(3), binary(random, left)) {
        (0, Some(content)) => Either::Named { content },
        (1, Some(content)) => Either::Binary(content),
        _ => Either::Number(random.0 as i64),
    }
}

fn tree(random: &mut Random, depth: usize, left: &mut usize) -> Tree {
    let kinds = if depth == 0 { 5 } else { 9 };
    let children = |random: &mut Random, left: &mut usize| -> Vec<Tree> {
        (0..random.below(4)).map(|_| tree(random, depth - 1, left)).collect()
    };
    match random.below(kinds) {
        0 => Tree::Number(f64::from_bits(random.0 & !(1 << 62))),
        1 => Tree::Text(text(random)),
        2 => binary(random, left).map_or(Tree::Leaf, Tree::Binary),
        3 => Tree::Tagged(match binary(random, left) {
            None => Tagged::Nothing,
            Some(content) => Tagged::File { content, name: text(random) },
        }),
        4 => Tree::Either(either(random, left)),
        5 => Tree::Pair(Box::new(tree(random, depth - 1, left)), (random.below(2) == 0).then_some(random.0)),
        6 => Tree::Keyed((-1..).zip(children(random, left)).collect()),
        _ => {
            let more = (0..random.below(3)).map(|n| (format!("{n}{}", text(random)), either(random, left)));
            Tree::Node { more: more.collect(), name: text(random), children: children(random, left) }
        }
    }
}

#[test]
fn every_value_comes_back() {
    let mut random = Random(7);
    let mut attachments = 0;
    for round in 0..2_000 {
        let mut left = 10;
        let data = (tree(&mut random, 4, &mut left), tree(&mut random, 2, &mut left));
        let name = format!("x{}", text(&mut random));
        let packet = event("/n", Some(round), &name, &data, &Limits::default()).unwrap();
        attachments += packet.attachments().len();
        let delivered = deliver(&packet);
        assert_eq!(&*delivered.namespace, "/n");
        let PacketBody::Event { id, name: found, args } = delivered.body else { panic!() };
        assert_eq!((id, &*found), (Some(round), &*name));
        assert_eq!(args.deserialize().as_ref(), Ok(&data));
        // Forwarded unchanged, and encoded by hand, it is the same packet.
        assert_eq!(event_raw("/n", id, &found, &args, &Limits::default()), Ok(packet.clone()));
        let args = Args::encode(&data).unwrap();
        assert_eq!(args.deserialize().as_ref(), Ok(&data));
        assert_eq!(event_raw("/n", id, &found, &args, &Limits::default()), Ok(packet));
    }
    assert!(attachments > 2_000, "{attachments}");
}

#[test]
fn hostile_messages_never_panic() {
    let seeds = [
        r#"52-/n,9["up",{"_placeholder":true,"num":1},{"num":0,"_placeholder":true},[1.5e3,null,"\u00e9\ud800"]]"#,
        r#"2["a",{"b":[true,false,{"c":"é😀"}]}]"#,
        r#"61-3[{"_placeholder":true,"num":0},{"\u005fplaceholder":true,"n\u0075m":0}]"#,
        r#"0/admin,{"token":"x"}"#,
        r#"4{"message":"no"}"#,
    ];
    let pieces = [
        "\"", "\\", "[", "]", "{", "}", ",", ":", "-", "/", "0", "9", "true", "num", "\u{0}", "é", "\\ud800",
    ];
    let mut random = Random(3);
    let mut read = 0;
    for _ in 0..30_000 {
        let mut text = seeds[random.below(seeds.len())].to_owned();
        for _ in 0..random.below(4) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (a, b) = (random.below(places.len()), random.below(4));
            let end = places[(a + b).min(places.len() - 1)];
            text.replace_range(places[a]..end, pieces[random.below(pieces.len())]);
        }
        let mut decoder = Decoder::new(Limits::default());
        let mut result = decoder.text(Text::from(text));
        while let Ok(None) = result {
            result = decoder.binary(Bytes::from_static(b"attachment"));
        }
        if let Ok(Some(Packet {
            body: PacketBody::Event { args, .. } | PacketBody::Ack { args, .. }, ..
        })) = result
        {
            assert_eq!(args.plain_json().map_or(args.len(), Iterator::count), args.len());
            let _ = args.deserialize::<(Tree, Tree)>();
            let _ = args.deserialize::<Vec<serde_json::Value>>();
            let _ = args.deserialize::<(Bytes, Vec<u8>, String)>();
            args.deserialize::<Vec<&serde_json::value::RawValue>>().ok();
            read += 1;
        }
    }
    assert!(read > 2_000, "{read}");
}
