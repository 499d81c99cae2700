//! Whole files, and what is made of them; `tests/litellm/README.md` explains the files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use backstay_providers::Environment;
use backstay_routing::Catalogue;
use backstay_server::Config;

use super::{Conversion, convert};

const NAMES: [&str; 4] = ["team", "local", "patterns", "cloud"];

fn path(name: &str, extension: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litellm");
    folder.join(format!("{name}.{extension}"))
}

fn converted(name: &str) -> Conversion {
    let environment = Environment::of([("AZURE_EU_BASE", "https://eu.openai.azure.com")]);
    convert(&fs::read_to_string(path(name, "yaml")).unwrap(), &environment).unwrap()
}

fn check(name: &str, extension: &str, actual: &str) {
    let path = path(name, extension);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} is not what it was", path.display());
}

#[test]
fn every_file_becomes_what_is_written_beside_it() {
    for name in NAMES {
        let conversion = converted(name);
        check(name, "toml", &conversion.config);
        check(name, "txt", &conversion.report.text());
    }
}

/// As the server would take it: with every variable set, all providers and names must hold.
#[test]
fn the_server_can_start_with_what_is_made_of_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let login = folder.path().join("login.json");
    let user =
        r#"{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}"#;
    fs::write(&login, user).unwrap();
    for name in NAMES {
        let text = converted(name).config;
        let config = Config::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let to_set = text.lines().nth(1).unwrap_or_default();
        let variables = to_set.rsplit_once(": ").unwrap().1.split(", ");
        let usual = Environment::of([("AWS_ACCESS_KEY_ID", "i"), ("AWS_SECRET_ACCESS_KEY", "s")])
            .with("GOOGLE_APPLICATION_CREDENTIALS", login.to_str().unwrap());
        let environment =
            variables.fold(usual, |environment, name| environment.with(name, "a-key"));
        let providers = config.providers(&environment).unwrap();
        let catalogue = Catalogue::new(providers, config.models(), config.routes()).unwrap();
        for route in config.routes() {
            let endpoints = catalogue.resolve(&route.id).unwrap().endpoints;
            assert_eq!(endpoints.len(), route.endpoints.len(), "{name}: {}", route.id);
            assert!(config.routing.policy.permits_model(&route.id), "{name}: {}", route.id);
        }
    }
}

#[test]
fn no_key_of_the_file_is_written_anywhere() {
    for name in NAMES {
        let Conversion { config, report } = converted(name);
        let said = format!("{config}{}{}", report.text(), serde_json::to_string(&report).unwrap());
        for secret in [
            "sk-ant-literal-key-of-the-team",
            "sk-real-key-of-the-gpu-box",
            "sk-master-literal",
            "sk-lf-literal",
            "sk-without-a-model",
            "sk-in-the-address",
            "literal-secret-of-amazon",
        ] {
            assert!(!said.contains(secret), "{name} says {secret}");
        }
    }
}

#[test]
fn what_is_no_configuration_of_litellm_is_refused() {
    for (text, word) in [
        ("", "empty"),
        ("- a\n- b\n", "not a mapping"),
        ("models: []\n", "no model_list"),
        ("model_list:\n  - model_name: x\n", "not one of its models"),
    ] {
        let error = convert(text, &Environment::default()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(word), "{text:?}: {error}");
    }
}
