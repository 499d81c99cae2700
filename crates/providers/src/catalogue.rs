//! The known providers, as data: one file each under `catalogue/`.

use std::sync::OnceLock;

use backstay_core::{DataPolicy, WireFormat};
use serde::Deserialize;

/// A provider that is known by name. Adding one is a file in `catalogue/` and a line below.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The prefix of its models' names; the file's name.
    #[serde(skip)]
    pub id: &'static str,
    pub name: String,
    pub format: WireFormat,
    pub base_url: String,
    /// Environment variables that hold its key, first found wins.
    #[serde(default)]
    pub key_env: Vec<String>,
    /// True for servers on this machine that need no key and are found by asking their usual port.
    #[serde(default)]
    pub local: bool,
    /// True for one that passes calls on to other providers under their models' catalogue names.
    #[serde(default)]
    pub aggregator: bool,
    /// What it says publicly that it does with prompts of calls through its API.
    #[serde(default)]
    pub data: DataPolicy,
    pub docs: String,
}

macro_rules! files {
    ($($id:literal)*) => {
        const FILES: &[(&str, &str)] =
            &[$(($id, include_str!(concat!("../catalogue/", $id, ".toml"))),)*];
    };
}

files! {
    "openai" "anthropic" "gemini" "openrouter" "groq" "mistral" "deepseek" "together" "xai"
    "fireworks" "cerebras" "perplexity"
    "ollama" "llamacpp" "vllm" "lmstudio"
}

/// All presets; their order is the order of preference when several serve a model of one name.
pub fn presets() -> &'static [Preset] {
    static PRESETS: OnceLock<Vec<Preset>> = OnceLock::new();
    PRESETS.get_or_init(|| FILES.iter().filter_map(|(id, text)| parse(id, text).ok()).collect())
}

fn parse(id: &'static str, text: &str) -> Result<Preset, toml::de::Error> {
    toml::from_str(text).map(|preset: Preset| Preset { id, ..preset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_catalogue_file_is_listed_and_valid() {
        let mut listed: Vec<_> = FILES.iter().map(|(id, _)| format!("{id}.toml")).collect();
        listed.sort();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(listed, found);
        for (id, text) in FILES {
            let preset = parse(id, text).unwrap();
            assert!(preset.local != preset.base_url.starts_with("https://"), "{id}: {preset:?}");
            assert_ne!(preset.local, !preset.key_env.is_empty(), "{id} needs a key or is local");
        }
        assert_eq!(presets().len(), FILES.len());
    }
}
