//! How a server wants to be asked for a chat.

use std::net::SocketAddr;

use crate::canned;

#[derive(Clone, Debug)]
pub struct ChatApi {
    pub address: SocketAddr,
    pub path: &'static str,
    pub model: &'static str,
    /// Sent as a bearer token.
    pub key: String,
    /// Names and values of headers that this server needs beside the usual ones.
    pub headers: Vec<(&'static str, String)>,
}

impl ChatApi {
    /// As OpenAI's API is asked: by path, model and bearer token.
    pub fn openai(address: SocketAddr, key: &str) -> Self {
        Self {
            address,
            path: canned::CHAT_PATH,
            model: canned::CLIENT_MODEL,
            key: key.to_owned(),
            headers: Vec::new(),
        }
    }
}
