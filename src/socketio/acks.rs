//! Acknowledgements that clients owe.

use std::{collections::BTreeMap, error::Error, fmt};

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
    /// Few at a time; and without one, no memory.
    waiting: BTreeMap<u64, Waiting>,
    is_closed: bool,
}

impl Table {
    fn take(&mut self, id: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id);
        if self.waiting.is_empty() {
            self.waiting = BTreeMap::new();
        }
        waiting
    }
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
        table.take(id);
    }

    /// An answer came. One that nobody waits for (any more) is ignored.
    pub(crate) fn answer(&self, socket: &SocketId, id: u64, args: Args) {
        let waiting = self.0.lock().take(id);
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
    use proptest::prelude::*;

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

    /// What can happen to a table. Numbers are those of questions, perhaps of ones that were never asked.
    #[derive(Debug, Clone)]
    enum Step {
        Ask {
            many: bool,
        },
        Answer(u64),
        /// Whoever asked has stopped waiting: the time was up, or the future was dropped.
        Forget(u64),
        /// The same, without a word to the table.
        Drop(u64),
        Close,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            5 => any::<bool>().prop_map(|many| Step::Ask { many }),
            4 => (0..24_u64).prop_map(Step::Answer),
            2 => (0..24_u64).prop_map(Step::Forget),
            1 => (0..24_u64).prop_map(Step::Drop),
            1 => Just(Step::Close),
        ]
    }

    /// Who asked, and what the model says of it.
    enum Asker {
        One(oneshot::Receiver<Args>),
        Many(mpsc::Receiver<Answer>),
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Heard {
        Nothing,
        Answered,
        Gone,
    }

    impl Asker {
        /// What has come since the last look.
        fn look(&mut self) -> Heard {
            match self {
                Self::One(answer) => match answer.try_recv() {
                    Ok(_) => Heard::Answered,
                    Err(oneshot::error::TryRecvError::Empty) => Heard::Nothing,
                    Err(oneshot::error::TryRecvError::Closed) => Heard::Gone,
                },
                Self::Many(answers) => match answers.try_recv() {
                    Ok((_, Some(_))) => Heard::Answered,
                    Ok((_, None)) | Err(mpsc::error::TryRecvError::Disconnected) => Heard::Gone,
                    Err(mpsc::error::TryRecvError::Empty) => Heard::Nothing,
                },
            }
        }
    }

    proptest! {
        /// G4, against a model: the questions that are owed are a list.
        #[test]
        fn every_question_has_one_result(steps in prop::collection::vec(step(), 0..60)) {
            const LIMIT: usize = 6;
            let (table, socket) = (AckTable::default(), SocketId::from("s"));
            let mut askers: BTreeMap<u64, Asker> = BTreeMap::new();
            let (mut owed, mut next, mut is_closed) = (Vec::new(), 0, false);
            for step in steps {
                match step {
                    Step::Ask { many } => {
                        let (waiting, asker) = if many {
                            let (sender, answers) = mpsc::channel(1);
                            (Waiting::OneOfMany(sender), Asker::Many(answers))
                        } else {
                            let (sender, answer) = oneshot::channel();
                            (Waiting::One(sender), Asker::One(answer))
                        };
                        match table.register(next, waiting, LIMIT) {
                            Ok(()) => {
                                prop_assert!(!is_closed && owed.len() < LIMIT);
                                owed.push(next);
                                askers.insert(next, asker);
                            }
                            Err(Unregistered::Closed) => prop_assert!(is_closed),
                            Err(Unregistered::Full) => prop_assert!(!is_closed && owed.len() == LIMIT),
                        }
                        next += 1;
                    }
                    Step::Answer(id) => {
                        table.answer(&socket, id, Args::empty());
                        let is_due = owed.contains(&id);
                        owed.retain(|owed| *owed != id);
                        if is_due && let Some(mut asker) = askers.remove(&id) {
                            prop_assert_eq!(asker.look(), Heard::Answered);
                        }
                    }
                    Step::Forget(id) => {
                        table.forget(id);
                        askers.remove(&id);
                        owed.retain(|owed| *owed != id);
                    }
                    Step::Drop(id) => drop(askers.remove(&id)),
                    Step::Close => {
                        table.close(&socket);
                        is_closed = true;
                        owed.clear();
                        for (_, mut asker) in std::mem::take(&mut askers) {
                            prop_assert_eq!(asker.look(), Heard::Gone);
                        }
                    }
                }
                // Nobody else has heard anything, and nothing else is kept.
                for asker in askers.values_mut() {
                    prop_assert_eq!(asker.look(), Heard::Nothing);
                }
                prop_assert_eq!(len(&table), owed.len());
            }
        }
    }
}
