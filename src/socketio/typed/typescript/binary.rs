//! Bytes.

use ts_rs::{Config, TS};

/// What [`Bytes`](bytes::Bytes) are in TypeScript: `ArrayBuffer | Uint8Array`. Named where a type derives `TS`:
///
/// ```
/// use bytes::Bytes;
/// use tower_socketio::typescript::Binary;
/// use ts_rs::TS;
///
/// #[derive(TS)]
/// struct Upload {
///     name: String,
///     #[ts(as = "Binary")]
///     content: Bytes,
///     #[ts(as = "Option<Vec<Binary>>")]
///     pictures: Option<Vec<Bytes>>,
/// }
/// ```
///
/// Browsers receive an `ArrayBuffer`, Node a `Buffer`, which is a `Uint8Array`; both may be sent. (The feature
/// `bytes-impl` of ts-rs takes `Bytes` for a list of numbers, which is what other formats make of them.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {}

impl TS for Binary {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(_: &Config) -> String {
        "ArrayBuffer | Uint8Array".to_owned()
    }

    fn inline(cfg: &Config) -> String {
        Self::name(cfg)
    }
}
