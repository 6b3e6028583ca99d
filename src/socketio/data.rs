//! What the application keeps with a socket.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::Arc,
};

use http::Extensions;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::sync::Mutex;

/// What is kept with one socket; nothing is allocated before there is something.
pub(crate) type DataMap = Mutex<Option<Box<Values>>>;

/// Values by their type, which stay in this process.
pub(crate) type Typed = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

#[derive(Default)]
pub(crate) struct Values {
    typed: Typed,
    named: Map<String, Value>,
}

/// What layers told each other while the socket was joining, among its data.
#[derive(Clone)]
pub(crate) struct Kept(pub(crate) Arc<Extensions>);

/// Values that belong to a socket, from [`Socket::data`](super::Socket::data): one of each type, and any number by
/// their names.
///
/// Values by type are what handlers work with: any type, found without a name. They are cloned on the way out, so what
/// is to be changed later goes into an `Arc` with a lock or an atomic. They stay in this process.
/// They can be read after the socket's end, too: a handle of the socket among its own data would keep both for ever.
///
/// Values by name are as Node's `socket.data`: an object of JSON, which other servers see
/// ([`RemoteSocket::data`](super::RemoteSocket::data)).
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use tower_socketio::{BoxError, prelude::*};
/// #[derive(Serialize, Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// async fn login(socket: Socket, Data(name): Data<String>) -> Result<(), BoxError> {
///     socket.data().set("user", &User { name })?;
///     let user: Option<User> = socket.data().read("user")?;
///     socket.data().unset("guest");
///     assert!(user.is_some());
///     Ok(())
/// }
/// # SocketIo::builder().namespace("/", Namespace::new().on("login", login)).build();
/// ```
#[derive(Clone, Copy)]
pub struct SocketData<'a>(&'a DataMap);

impl<'a> SocketData<'a> {
    pub(crate) fn new(data: &'a DataMap) -> Self {
        Self(data)
    }

    // By type.

    /// Puts a value there, in the place of the one of this type that was there before.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) {
        let value: Arc<dyn Any + Send + Sync> = Arc::new(value);
        let before = self.0.lock().get_or_insert_default().typed.insert(TypeId::of::<T>(), value);
        // Dropped outside of the lock: it is user code.
        drop(before);
    }

    /// The value of this type.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let value = self.0.lock().as_ref()?.typed.get(&TypeId::of::<T>()).cloned()?;
        value.downcast_ref().cloned()
    }

    /// Takes the value of this type away.
    pub fn remove<T: Send + Sync + 'static>(&self) {
        let before = self.0.lock().as_mut().and_then(|values| values.typed.remove(&TypeId::of::<T>()));
        drop(before);
    }

    // By name.

    /// Puts a value there, in the place of the one of this name that was there before.
    ///
    /// # Errors
    /// When it has no form in JSON; then nothing is changed.
    pub fn set(&self, name: &str, value: impl Serialize) -> Result<(), serde_json::Error> {
        let value = serde_json::to_value(value)?;
        self.0.lock().get_or_insert_default().named.insert(name.to_owned(), value);
        Ok(())
    }

    /// The value of this name, read as `T`; nothing if there is none.
    ///
    /// # Errors
    /// When it is no value of this type.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, serde_json::Error> {
        let value = self.0.lock().as_ref().and_then(|values| values.named.get(name).cloned());
        value.map(T::deserialize).transpose()
    }

    /// Takes the value of this name away: whether there was one.
    pub fn unset(&self, name: &str) -> bool {
        self.0.lock().as_mut().is_some_and(|values| values.named.remove(name).is_some())
    }

    /// The values that have names, as they are at this moment.
    pub fn named(&self) -> Map<String, Value> {
        self.0.lock().as_ref().map(|values| values.named.clone()).unwrap_or_default()
    }

    // For a socket that comes again.

    /// The values by type, as they are at this moment.
    pub(crate) fn typed(&self) -> Typed {
        self.0.lock().as_ref().map(|values| values.typed.clone()).unwrap_or_default()
    }

    /// Puts values there that were kept elsewhere, in the place of all that are there.
    pub(crate) fn restore(&self, typed: Typed, named: Map<String, Value>) {
        let before = self.0.lock().replace(Box::new(Values { typed, named }));
        drop(before);
    }
}

impl fmt::Debug for SocketData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketData")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_allocated_for_who_only_looks() {
        let map = DataMap::default();
        let data = SocketData::new(&map);
        assert_eq!((data.get::<u8>(), data.read::<u8>("x").unwrap_or_default()), (None, None));
        data.remove::<u8>();
        assert!(!data.unset("x") && data.named().is_empty() && map.lock().is_none());
    }

    #[test]
    fn values_by_name_are_an_object_of_json() {
        let map = DataMap::default();
        let data = SocketData::new(&map);
        assert!(data.set("user", json!({ "name": "ada" })).is_ok() && data.set("n", 1_u8).is_ok());
        assert!(data.set("bad", HashMap::from([((1, 2), 3)])).is_err());
        assert!(matches!(data.read::<u8>("n"), Ok(Some(1))) && data.read::<u8>("user").is_err());
        assert_eq!(Value::from(data.named()), json!({ "user": { "name": "ada" }, "n": 1 }));
        assert!(data.unset("n") && !data.unset("n"));
    }

    #[test]
    fn values_of_both_kinds_can_be_taken_along() {
        let (one, two) = (DataMap::default(), DataMap::default());
        let (from, to) = (SocketData::new(&one), SocketData::new(&two));
        from.insert(7_u8);
        assert!(from.set("x", 1).is_ok());
        to.insert("gone");
        to.restore(from.typed(), from.named());
        assert_eq!((to.get::<u8>(), to.get::<&str>(), to.named()), (Some(7), None, from.named()));
    }
}
