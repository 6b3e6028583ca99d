//! Places where the server waits until a test says so.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

/// One for each label. Clones mean the same gates.
#[derive(Clone, Default)]
pub struct Gates(Arc<Mutex<HashMap<String, Arc<Notify>>>>);

impl Gates {
    /// Waits until it is opened, or was already. Lets one through.
    pub async fn pass(&self, label: &str) {
        self.gate(label).notified().await;
    }

    pub fn open(&self, label: &str) {
        self.gate(label).notify_one();
    }

    fn gate(&self, label: &str) -> Arc<Notify> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(label.to_owned()).or_default().clone()
    }
}
