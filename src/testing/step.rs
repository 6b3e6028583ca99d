//! What a transport has to tell.

use super::{ending::Ending, error::TestError};
use crate::codec::engine::Packet;

/// What became of looking at a transport.
pub(super) enum Step<W> {
    Packet(Packet),
    /// Everything that was to be sent has left.
    Written,
    /// The websocket that is to take over did, or did not: `W` is the websocket.
    Upgraded(Result<Box<W>, TestError>),
    End(Ending),
}
