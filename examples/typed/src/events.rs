//! The events of the server, each defined once: for the handlers here and for the client in TypeScript.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tower_socketio::{typed_events, typescript::Binary};
use ts_rs::TS;

/// What somebody says.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct ChatMessage {
    pub text: String,
    pub mood: Mood,
    #[ts(as = "Option<Binary>")]
    pub picture: Option<Bytes>,
}

#[derive(Clone, Copy, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Mood {
    Happy,
    Sad,
}

/// Two numbers, as two arguments.
#[derive(Serialize, Deserialize, TS)]
pub struct Add(pub i64, pub i64);

/// The name that somebody wants to have.
#[derive(Serialize, Deserialize, TS)]
pub struct Rename(pub String);

/// Greets who has come.
#[derive(Serialize, Deserialize, TS)]
pub struct Welcome {
    pub online: u64,
}

/// A question that the client has to answer.
#[derive(Serialize, Deserialize, TS)]
pub struct Riddle {
    pub question: String,
}

#[derive(Serialize, Deserialize, TS)]
pub struct Solution {
    pub answer: String,
}

/// Asks for a riddle, and is told whether the solution was right.
#[derive(Serialize, Deserialize, TS)]
pub struct Play;

typed_events! {
    ChatMessage = "chat message";
    Add = "add" -> i64;
    Rename = "rename" -> String;
    Welcome = "welcome";
    Riddle = "riddle" -> Solution;
    Play = "play" -> bool;
}
