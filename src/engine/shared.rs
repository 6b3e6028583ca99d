//! What all clones of an engine share.

use std::sync::Arc;

use super::{config::EngineConfig, pacemaker::Pacemakers, registry::Registry};
use crate::limit::LimitCounts;

pub(super) struct Shared {
    pub(super) config: Arc<EngineConfig>,
    pub(super) sessions: Arc<Registry>,
    pub(super) pacemakers: Pacemakers,
    pub(super) limits: Arc<LimitCounts>,
}
