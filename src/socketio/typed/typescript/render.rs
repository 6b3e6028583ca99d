//! The text of a declaration.

use std::collections::BTreeMap;

use super::{
    error::TypeScriptError,
    types::{Part, Types},
};
use crate::socketio::typed::declaration::{Declaration, Direction};

const HEAD: &str = "// The events of a namespace. Written by tower-socketio: changes are lost.\n";

const ERROR_ACK: &str = "/** What is answered when an event failed. */\n\
                         export interface ErrorAck {\n  error: { message: string; data?: unknown };\n}";

/// Names that are ours.
const OURS: [&str; 3] = ["ErrorAck", "ClientToServerEvents", "ServerToClientEvents"];

struct Event {
    types: Types,
    can_fail: bool,
    type_name: &'static str,
}

/// The declaration of these events, in the order of their names.
pub(super) fn render(events: &[Declaration]) -> Result<String, TypeScriptError> {
    let mut by_name = BTreeMap::new();
    for event in events {
        add(&mut by_name, event)?;
    }
    let mut blocks = vec![HEAD.to_owned()];
    let can_fail = by_name.values().any(|event| event.can_fail && event.types.ack.is_some());
    if can_fail {
        blocks.push(ERROR_ACK.to_owned() + "\n");
    }
    blocks.extend(declared(&by_name)?.into_values().map(|declaration| declaration.to_owned() + "\n"));
    blocks.push(interface(&by_name, Direction::ClientToServer, "ClientToServerEvents"));
    blocks.push(interface(&by_name, Direction::ServerToClient, "ServerToClientEvents"));
    Ok(blocks.join("\n"))
}

type Events = BTreeMap<(Direction, &'static str), Event>;

fn add(events: &mut Events, event: &Declaration) -> Result<(), TypeScriptError> {
    let (name, type_name) = (event.name(), event.type_name());
    let Some(types) = event.types() else {
        return Err(TypeScriptError(format!(
            "the event \"{name}\" has no types in TypeScript: `{type_name}` and its acknowledgement must derive `TS` and \
             `Deserialize`"
        )));
    };
    let new = Event { types, can_fail: event.can_fail(), type_name };
    let there = events.entry((event.direction(), name)).or_insert(Event { can_fail: false, ..new });
    if there.type_name != type_name {
        let other = there.type_name;
        return Err(TypeScriptError(format!("the event \"{name}\" is both `{other}` and `{type_name}`")));
    }
    there.can_fail |= event.can_fail();
    Ok(())
}

/// All types that the events need, each once.
fn declared(events: &Events) -> Result<BTreeMap<&str, &str>, TypeScriptError> {
    let mut declared = BTreeMap::new();
    for (name, declaration) in events.values().flat_map(|event| &event.types.declared) {
        if OURS.contains(&&**name) {
            return Err(TypeScriptError(format!("`{name}` is a name of ours: `#[ts(rename = \"…\")]`")));
        }
        if *declared.entry(&**name).or_insert(&**declaration) != declaration {
            let problem = format!("two types have the name `{name}`: `#[ts(rename = \"…\")]`");
            return Err(TypeScriptError(problem));
        }
    }
    Ok(declared)
}

fn interface(events: &Events, direction: Direction, name: &str) -> String {
    let mut text = format!("export interface {name} {{\n");
    for ((_, name), event) in events.iter().filter(|((sent, _), _)| *sent == direction) {
        let name = serde_json::Value::from(*name);
        text += &format!("  {name}: ({}) => void;\n", parameters(event));
    }
    text + "}\n"
}

/// Those of an event: the acknowledgement's callback is the last.
fn parameters(event: &Event) -> String {
    let ack = event.types.ack.as_ref().map(|ack| format!("ack: ({}) => void", answer(ack, event.can_fail)));
    match (&event.types.payload, ack) {
        (Part::Nothing, ack) => ack.unwrap_or_default(),
        (Part::One(data), None) => format!("data: {data}"),
        (Part::One(data), Some(ack)) => format!("data: {data}, {ack}"),
        (Part::Several(args), None) => format!("...args: {args}"),
        (Part::Several(args), Some(ack)) => format!("...args: [...args: {args}, {ack}]"),
    }
}

/// The parameters of the callback.
fn answer(ack: &Part, can_fail: bool) -> String {
    match (ack, can_fail) {
        (Part::Nothing, false) => String::new(),
        (Part::Nothing, true) => "error?: ErrorAck".to_owned(),
        (Part::One(answer), false) => format!("answer: {answer}"),
        (Part::One(answer), true) => format!("answer: {answer} | ErrorAck"),
        (Part::Several(answer), false) => format!("...answer: {answer}"),
        (Part::Several(answer), true) => format!("...answer: {answer} | [ErrorAck]"),
    }
}
