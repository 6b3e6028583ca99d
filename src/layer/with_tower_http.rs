#![doc = include_str!("../../docs/tower-http.md")]
