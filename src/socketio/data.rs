//! What the application keeps with a socket.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::Arc,
};

use http::Extensions;

use crate::sync::Mutex;

/// Values by their type.
pub(crate) type DataMap = Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>;

/// What layers told each other while the socket was joining, among its data.
#[derive(Clone)]
pub(crate) struct Kept(pub(crate) Arc<Extensions>);

/// Values that belong to a socket, one of each type: from [`Socket::data`](super::Socket::data).
///
/// They are cloned on the way out, so what is to be changed later goes into an `Arc` with a lock or an atomic.
#[derive(Clone, Copy)]
pub struct SocketData<'a>(&'a DataMap);

impl<'a> SocketData<'a> {
    pub(crate) fn new(data: &'a DataMap) -> Self {
        Self(data)
    }

    /// Puts a value there, in the place of the one of this type that was there before.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) {
        let before = self.0.lock().insert(TypeId::of::<T>(), Arc::new(value));
        // Dropped outside of the lock: it is user code.
        drop(before);
    }

    /// The value of this type.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let value = self.0.lock().get(&TypeId::of::<T>()).cloned()?;
        value.downcast_ref().cloned()
    }

    /// Takes the value of this type away.
    pub fn remove<T: Send + Sync + 'static>(&self) {
        let before = self.0.lock().remove(&TypeId::of::<T>());
        drop(before);
    }
}

impl fmt::Debug for SocketData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketData")
    }
}
