//! Socket.IO packets: the text header, JSON payloads and their attachments.
