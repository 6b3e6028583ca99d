//! What the server wants of compression.

/// The smallest window that can be agreed on, in bits: 256 bytes.
const SMALLEST_WINDOW: u8 = 8;

/// The largest window of deflate, in bits: 32 KiB.
pub(super) const LARGEST_WINDOW: u8 = 15;

/// Compression of websocket messages (permessage-deflate, RFC 7692), as
/// [`per_message_deflate`](crate::engine::EngineConfig::per_message_deflate) switches it on: `perMessageDeflate` of Node.
///
/// It can only be made with the feature `deflate`. A client that does not offer it, or offers what nobody can keep, is
/// served without. Old clients and HTTP/2 make no difference. Answers to polls are compressed by tower-http instead, see
/// [`layer::with_tower_http`](crate::layer::with_tower_http).
///
/// # What it costs
///
/// | | CPU | memory |
/// | --- | --- | --- |
/// | a client that sends and gets no compressed message | nothing | about 150 bytes |
/// | one that gets some, no context kept (the default) | compressing each; a broadcast once for each thread that writes it | about 310 KiB for each thread that writes |
/// | one that gets some, with [`server_context_takeover`](Self::server_context_takeover) | compressing each, for this client alone | about 310 KiB for each client |
/// | one that sends some, no context kept (the default) | inflating each | about 43 KiB for each thread; and for each client whose message is on its way |
/// | one that sends some, with [`client_context_takeover`](Self::client_context_takeover) | the same | about 43 KiB for each client |
///
/// It is made when it is first needed. A message is compressed where it is written: by whoever emits it, or by the
/// session's task where something waits. Above [`largest`](Self::largest) it is left as it is, and after 256 KiB of one
/// client others have their turn.
///
/// # Secrets
///
/// Who can put text of theirs into a message beside a secret, and sees how long it gets, can guess the secret (CRIME,
/// BREACH). Such messages are sent with `compress(false)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerMessageDeflate {
    pub(super) threshold: usize,
    pub(super) largest: usize,
    pub(super) level: u32,
    pub(super) server_context_takeover: bool,
    pub(super) client_context_takeover: bool,
    pub(super) server_max_window_bits: u8,
    pub(super) client_max_window_bits: u8,
}

impl PerMessageDeflate {
    /// Compression with its defaults. They are Node's, but for the contexts, which are not kept here.
    ///
    /// ```
    /// use tower_socketio::{engine::PerMessageDeflate, prelude::*};
    ///
    /// let io = SocketIo::builder()
    ///     .namespace("/", Namespace::new())
    ///     .per_message_deflate(PerMessageDeflate::new().threshold(4096).level(1))
    ///     .build();
    /// # drop(io);
    /// ```
    pub fn new() -> Self {
        Self {
            threshold: 1024,
            largest: 256 * 1024,
            level: 6,
            server_context_takeover: false,
            client_context_takeover: false,
            server_max_window_bits: LARGEST_WINDOW,
            client_max_window_bits: LARGEST_WINDOW,
        }
    }

    /// Messages of fewer bytes are sent as they are. Default: 1024.
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Messages of more bytes are sent as they are: compressing is work that nobody can interrupt, about 3 to 5 ms
    /// for so many bytes. It does not limit what clients send, which is the matter of
    /// [`max_payload`](crate::engine::EngineConfig::max_payload), before inflating and after. Default: 256 KiB.
    pub fn largest(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// How hard to try, from 0 (not at all) to 9; more is taken as 9. Default: 6.
    pub fn level(mut self, level: u32) -> Self {
        self.level = level.min(9);
        self
    }

    /// Whether what was sent to a client helps to compress what follows, if the client agrees:
    /// `serverNoContextTakeover` of Node, the other way round. Default: no.
    ///
    /// Messages that resemble each other get shorter with it, but each client costs about 310 KiB from its first
    /// compressed message on, and nothing is shared by the receivers of a broadcast.
    pub fn server_context_takeover(mut self, keep: bool) -> Self {
        self.server_context_takeover = keep;
        self
    }

    /// Whether a client may do the same: `clientNoContextTakeover` of Node, the other way round. Default: no.
    ///
    /// Each client costs about 43 KiB with it, from its first compressed message on.
    pub fn client_context_takeover(mut self, keep: bool) -> Self {
        self.client_context_takeover = keep;
        self
    }

    /// How far back compressed messages to the client refer at most, as a power of two from 8 to 15: its memory for
    /// inflating. A client may ask for less. Default: 15, which is 32 KiB.
    ///
    /// With less than 15, messages are compressed in pieces of that size, each by itself, and no context is kept.
    /// Nothing is saved on the server.
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_max_window_bits = bits.clamp(SMALLEST_WINDOW, LARGEST_WINDOW);
        self
    }

    /// How far back compressed messages of a client may refer, as a power of two from 8 to 15, if the client lets itself
    /// be told: its memory for compressing. Default: 15. Nothing is saved on the server.
    pub fn client_max_window_bits(mut self, bits: u8) -> Self {
        self.client_max_window_bits = bits.clamp(SMALLEST_WINDOW, LARGEST_WINDOW);
        self
    }
}

impl Default for PerMessageDeflate {
    fn default() -> Self {
        Self::new()
    }
}
