//! What stands in the place of compression without the feature `deflate`: values that nobody can have.

use bytes::Bytes;
use http::HeaderMap;

use crate::transport::websocket::violation::Violation;

/// Compression of websocket messages, which takes the feature `deflate`: without it, there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PerMessageDeflate {}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Agreement {}

#[derive(Debug)]
pub(in crate::transport::websocket) enum Inflater {}

#[derive(Debug)]
pub(in crate::transport::websocket) enum Compressor {}

impl Agreement {
    pub(in crate::transport::websocket) fn find(
        options: &PerMessageDeflate,
        _: &HeaderMap,
        _: &mut HeaderMap,
    ) -> Option<Self> {
        match *options {}
    }
}

impl Inflater {
    pub(in crate::transport::websocket) fn new(agreement: &Agreement) -> Self {
        match *agreement {}
    }

    pub(in crate::transport::websocket) fn room(&self, _: usize) -> u64 {
        match *self {}
    }

    pub(in crate::transport::websocket) fn inflate(
        &mut self,
        _: &[u8],
        _: &mut Vec<u8>,
        _: usize,
    ) -> Result<(), Violation> {
        match *self {}
    }

    pub(in crate::transport::websocket) fn finish(
        &mut self,
        _: &mut Vec<u8>,
        _: usize,
    ) -> Result<(), Violation> {
        match *self {}
    }
}

impl Compressor {
    pub(in crate::transport::websocket) fn new(agreement: Agreement) -> Self {
        match agreement {}
    }

    pub(in crate::transport::websocket) fn begin_turn(&mut self) {
        match *self {}
    }

    pub(in crate::transport::websocket) fn has_had_its_turn(&self) -> bool {
        match *self {}
    }

    pub(in crate::transport::websocket) fn wants(&self, _: usize) -> bool {
        match *self {}
    }

    pub(in crate::transport::websocket) fn compress(&mut self, _: &Bytes) -> Option<Bytes> {
        match *self {}
    }
}
