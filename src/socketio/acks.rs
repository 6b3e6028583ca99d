//! Acknowledgements that clients owe.

use std::{collections::HashMap, error::Error, fmt};

use tokio::sync::{mpsc, oneshot};

use super::emit_error::EmitError;
use crate::{
    codec::parser::{Args, ArgsError},
    id::SocketId,
    sync::Mutex,
};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AckError {
    /// It did not come in time.
    Timeout,
    /// The client is gone.
    Disconnected,
    /// It came, and is no value of the type that was asked for.
    Decode(ArgsError),
    /// The question could not be sent, for another reason than that.
    Emit(EmitError),
}

impl From<EmitError> for AckError {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Disconnected => Self::Disconnected,
            error => Self::Emit(error),
        }
    }
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("operation has timed out"),
            Self::Disconnected => f.write_str("socket has been disconnected"),
            Self::Decode(error) => write!(f, "the acknowledgement could not be read: {error}"),
            Self::Emit(error) => error.fmt(f),
        }
    }
}

impl Error for AckError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Decode(error) => Some(error),
            Self::Emit(error) => Some(error),
            Self::Timeout | Self::Disconnected => None,
        }
    }
}

/// One answer to a broadcast; nothing from a client that went away.
pub(crate) type Answer = (SocketId, Option<Args>);

/// Who waits for an answer.
pub(crate) enum Waiting {
    /// One socket was asked.
    One(oneshot::Sender<Args>),
    /// One of many was asked. The channel has room for all.
    OneOfMany(mpsc::Sender<Answer>),
}

/// The answers that one socket owes, by their ids.
#[derive(Default)]
pub(crate) struct AckTable(Mutex<Table>);

#[derive(Default)]
struct Table {
    waiting: HashMap<u64, Waiting>,
    is_closed: bool,
}

/// Why an answer cannot be waited for.
pub(crate) enum Unregistered {
    Closed,
    Full,
}

impl From<Unregistered> for AckError {
    fn from(error: Unregistered) -> Self {
        match error {
            Unregistered::Closed => Self::Disconnected,
            Unregistered::Full => Self::Emit(EmitError::TooManyAcks),
        }
    }
}

impl AckTable {
    pub(crate) fn register(&self, id: u64, waiting: Waiting, limit: usize) -> Result<(), Unregistered> {
        let mut table = self.0.lock();
        if table.is_closed {
            return Err(Unregistered::Closed);
        }
        if table.waiting.len() >= limit {
            return Err(Unregistered::Full);
        }
        table.waiting.insert(id, waiting);
        Ok(())
    }

    /// An answer is not waited for any more.
    pub(crate) fn forget(&self, id: u64) {
        let mut table = self.0.lock();
        table.waiting.remove(&id);
        if table.waiting.is_empty() {
            table.waiting = HashMap::new();
        }
    }

    /// An answer came. One that nobody waits for (any more) is ignored.
    pub(crate) fn answer(&self, socket: &SocketId, id: u64, args: Args) {
        let waiting = self.0.lock().waiting.remove(&id);
        match waiting {
            // Whoever asked may have stopped waiting in this very moment.
            Some(Waiting::One(sender)) => drop(sender.send(args)),
            Some(Waiting::OneOfMany(sender)) => drop(sender.try_send((socket.clone(), Some(args)))),
            None => tracing::trace!(%socket, id, "an acknowledgement that nobody waits for"),
        }
    }

    /// The client is gone: whoever waits is told, and nobody waits any more.
    pub(crate) fn close(&self, socket: &SocketId) {
        let waiting = {
            let mut table = self.0.lock();
            table.is_closed = true;
            std::mem::take(&mut table.waiting)
        };
        for waiting in waiting.into_values() {
            if let Waiting::OneOfMany(sender) = waiting {
                drop(sender.try_send((socket.clone(), None)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(table: &AckTable, id: u64) -> oneshot::Receiver<Args> {
        let (sender, answer) = oneshot::channel();
        assert!(table.register(id, Waiting::One(sender), 2).is_ok());
        answer
    }

    fn len(table: &AckTable) -> usize {
        table.0.lock().waiting.len()
    }

    #[test]
    fn an_answer_reaches_the_one_who_asked_once() {
        let table = AckTable::default();
        let (mut first, mut second) = (ask(&table, 1), ask(&table, 2));
        table.answer(&"s".into(), 2, Args::empty());
        table.answer(&"s".into(), 2, Args::empty());
        assert!(second.try_recv().is_ok());
        assert!(first.try_recv().is_err());
        assert_eq!(len(&table), 1);
    }

    #[test]
    fn what_nobody_waits_for_is_forgotten() {
        let table = AckTable::default();
        let answer = ask(&table, 1);
        table.forget(1);
        table.answer(&"s".into(), 1, Args::empty());
        drop(answer);
        assert_eq!(len(&table), 0);
    }

    #[test]
    fn no_more_answers_than_the_limit_are_waited_for() {
        let table = AckTable::default();
        let _waiting = (ask(&table, 1), ask(&table, 2));
        let third = table.register(3, Waiting::One(oneshot::channel().0), 2);
        assert!(matches!(third, Err(Unregistered::Full)));
    }

    #[test]
    fn a_client_that_goes_is_an_answer_to_all() {
        let table = AckTable::default();
        let mut one = ask(&table, 1);
        let (sender, mut many) = mpsc::channel(1);
        assert!(table.register(2, Waiting::OneOfMany(sender), 2).is_ok());
        table.close(&"s".into());
        assert!(matches!(one.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        assert!(matches!(many.try_recv(), Ok((_, None))));
        assert!(matches!(
            table.register(3, Waiting::One(oneshot::channel().0), 2),
            Err(Unregistered::Closed)
        ));
        assert_eq!(len(&table), 0);
    }
}
