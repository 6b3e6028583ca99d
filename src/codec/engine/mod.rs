//! Engine.IO packets and polling payloads.
