//! What has come for one namespace.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

use serde_json::Value;

use super::{ending::Ending, error::Refused};
use crate::codec::parser::{Args, PacketBody};

/// How much of a packet an error shows.
const MOST_SHOWN: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) namespace: String,
    pub(super) phase: Phase,
    pub(super) items: VecDeque<Item>,
    /// The acknowledgements that are due, and those that have come.
    pub(super) answers: HashMap<u64, Option<Args>>,
    pub(super) next_id: u64,
    /// What a client with recovery remembers of the last event.
    pub(super) offset: Option<String>,
    /// What the client said when it joined, for when it comes again.
    pub(super) auth: Option<Value>,
}

#[derive(Debug, Default)]
pub(super) enum Phase {
    #[default]
    Joining,
    Joined(Joined),
    Refused(Refused),
    Left(Ending),
}

#[derive(Debug, Clone)]
pub(super) struct Joined {
    pub(super) sid: String,
    pub(super) pid: Option<String>,
}

#[derive(Debug)]
pub(super) enum Item {
    Event {
        name: String,
        args: Args,
        id: Option<u64>,
    },
    Disconnected,
    /// Nobody expects this.
    Other(String),
}

impl Inbox {
    pub(super) fn receive(&mut self, body: PacketBody) {
        match body {
            PacketBody::Event { id, name, args } => {
                self.remember(&args);
                self.items.push_back(Item::Event { name: name.to_string(), args, id });
            }
            PacketBody::Ack { id, args } => match id.and_then(|id| self.answers.get_mut(&id)) {
                Some(answer @ None) => *answer = Some(args),
                _ => self.other(format!(
                    "an acknowledgement that nobody waits for: {}[{}]",
                    id.map(|id| id.to_string()).unwrap_or_default(),
                    shown(&args)
                )),
            },
            PacketBody::Disconnect => {
                self.phase = Phase::Left(Ending::Disconnected);
                self.items.push_back(Item::Disconnected);
            }
            PacketBody::Connect { auth } => {
                let payload = auth.as_ref().map_or("", |json| json.as_str());
                match (&self.phase, joined(payload)) {
                    (Phase::Joining, Some(joined)) => self.phase = Phase::Joined(joined),
                    _ => self.other(format!("a CONNECT packet: {payload}")),
                }
            }
            PacketBody::ConnectError { data } => match self.phase {
                Phase::Joining => self.phase = Phase::Refused(Refused::from_payload(data.as_str())),
                _ => self.other(format!("a CONNECT_ERROR packet: {}", data.as_str())),
            },
        }
    }

    fn other(&mut self, sentence: String) {
        self.items.push_back(Item::Other(sentence));
    }

    /// A server that remembers its clients ends each event with its offset.
    fn remember(&mut self, args: &Args) {
        // What it has missed comes before it is told that it has joined.
        let may_be = matches!(self.phase, Phase::Joining | Phase::Joined(Joined { pid: Some(_), .. }));
        if may_be
            && let Some(offset) =
                args.json_items().and_then(Iterator::last).and_then(|last| serde_json::from_str(last).ok())
        {
            self.offset = Some(offset);
        }
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        match self.phase {
            Phase::Left(ending) => Some(ending),
            _ => None,
        }
    }
}

fn joined(payload: &str) -> Option<Joined> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    let field = |name: &str| payload.get(name)?.as_str().map(str::to_owned);
    Some(Joined { sid: field("sid")?, pid: field("pid") })
}

/// The arguments as they stand in the packet, the beginning of them.
pub(super) fn shown(args: &Args) -> String {
    let json = args.json_items().into_iter().flatten().collect::<Vec<_>>().join(",");
    match json.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &json[..end]),
        None => json,
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { name, args, .. } => write!(f, "`{name}` [{}]", shown(args)),
            Self::Disconnected => f.write_str("a DISCONNECT packet"),
            Self::Other(sentence) => f.write_str(sentence),
        }
    }
}
