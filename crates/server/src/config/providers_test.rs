//! What `[[providers]]` takes and what it refuses.

use backstay_providers::{Credential, Environment, HttpProvider, Platform, Provider, ProviderKind};

use super::Config;

fn provider(section: &str, environment: &Environment) -> Result<Provider, String> {
    let config = Config::parse(&format!("[[providers]]\nid = \"p\"\n{section}"))
        .map_err(|error| error.to_string())?;
    let mut found = config.providers(environment).map_err(|error| error.to_string())?;
    Ok(std::sync::Arc::into_inner(found.remove(0)).unwrap())
}

fn http(section: &str) -> HttpProvider {
    match provider(section, &Environment::default()).unwrap().kind {
        ProviderKind::Http(http) => *http,
        ProviderKind::Builtin | ProviderKind::WebSearch => panic!("not built in"),
    }
}

fn refused(section: &str) -> String {
    provider(section, &Environment::default()).map(|_| ()).unwrap_err()
}

#[test]
fn a_preset_says_what_the_section_does_not() {
    let groq = http("preset = \"groq\"\napi_key = \"k\"");
    assert_eq!(groq.base_url, "https://api.groq.com/openai/v1");
    assert!(groq.parameters.unsupported.contains(&"logprobs".to_owned()));
    let own = http(
        "preset = \"groq\"\napi_key = \"k\"\nbase_url = \"https://groq.acme.test/v1\"\n\
         parameters = { unsupported = [\"seed\"] }",
    );
    assert_eq!(own.base_url, "https://groq.acme.test/v1");
    assert_eq!(own.parameters.unsupported, ["seed"]);
    let environment = Environment::of([("GROQ_API_KEY", "k")]);
    let found = provider("preset = \"groq\"", &environment).unwrap().kind;
    let ProviderKind::Http(found) = found else { panic!("not built in") };
    assert!(!found.credential.is_none(), "the preset knows the variable of its key");
    let unknown = refused("preset = \"grok\"");
    assert!(unknown.contains("there are openai, anthropic"), "{unknown}");
    assert!(refused("preset = \"groq\"\nformat = \"gemini\"").contains("leave format out"));
}

#[test]
fn azure_is_a_resource_with_or_without_a_version() {
    let dated = http(
        "format = \"openai\"\nbase_url = \"https://acme.openai.azure.com/openai/v1/\"\n\
         api_key = \"k\"\nazure = { api_version = \"2024-10-21\" }",
    );
    assert_eq!(dated.base_url, "https://acme.openai.azure.com");
    assert_eq!(dated.platform, Platform::Azure { api_version: Some("2024-10-21".to_owned()) });
    let newer =
        http("preset = \"azure\"\nbase_url = \"https://acme.openai.azure.com\"\napi_key = \"k\"");
    assert_eq!(newer.platform, Platform::Azure { api_version: None });
    assert!(refused("preset = \"azure\"\napi_key = \"k\"").contains("AZURE_OPENAI_ENDPOINT"));
}

#[test]
fn bedrock_takes_keys_from_the_file_or_the_environment_or_a_bearer_token() {
    let own = http(
        "format = \"bedrock\"\n\
         aws = { region = \"eu-west-1\", access_key_id = \"AKID\", secret_access_key = \"s\" }",
    );
    assert_eq!(own.base_url, "https://bedrock-runtime.eu-west-1.amazonaws.com");
    assert!(matches!(&own.credential, Credential::Aws(keys) if keys.region == "eu-west-1"));
    let region = "format = \"bedrock\"\naws = { region = \"eu-west-1\" }";
    let variables = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s")];
    assert!(provider(region, &Environment::of(variables)).is_ok());
    assert!(refused(region).contains("AWS_ACCESS_KEY_ID"));
    let bearer = http(&format!("{region}\napi_key = \"b\""));
    assert!(matches!(bearer.credential, Credential::Key { .. }));
    let half = refused("format = \"bedrock\"\naws = { region = \"r\", access_key_id = \"AKID\" }");
    assert!(half.contains("aws.secret_access_key is required"), "{half}");
}

#[test]
fn vertex_takes_a_token_or_a_file_and_a_place() {
    let place = "project = \"p\", location = \"global\"";
    let gemini =
        http(&format!("format = \"gemini\"\ngoogle = {{ {place}, access_token = \"t\" }}"));
    assert_eq!(
        gemini.base_url,
        "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google"
    );
    let claude =
        http(&format!("format = \"anthropic\"\ngoogle = {{ {place}, access_token = \"t\" }}"));
    assert!(claude.base_url.ends_with("/publishers/anthropic"));
    assert!(claude.parameters.add.contains_key("anthropic_version"));
    let missing = refused(&format!(
        "format = \"gemini\"\ngoogle = {{ {place}, credentials = \"/no/such/file\" }}"
    ));
    assert!(missing.contains("/no/such/file"), "{missing}");
    let nothing = refused(&format!("format = \"gemini\"\ngoogle = {{ {place} }}"));
    assert!(nothing.contains("GOOGLE_APPLICATION_CREDENTIALS"), "{nothing}");
}

#[test]
fn unknown_keys_and_contradictions_are_refused_with_advice() {
    let error = refused("format = \"bedrock\"\naws = { regoin = \"x\" }");
    assert!(error.contains("did you mean `region`"), "{error}");
    let error = refused("base_url = \"https://acme.test\"");
    assert!(error.contains("set format"), "{error}");
    assert!(refused("format = \"openai\"").contains("base_url is required"));
    let both = refused(
        "format = \"openai\"\nbase_url = \"https://a.test\"\napi_key = \"secret-1\"\napi_key_env = \"K\"",
    );
    assert!(both.contains("not both") && !both.contains("secret-1"), "{both}");
    let two = refused(
        "format = \"bedrock\"\napi_key = \"k\"\n\
         aws = { region = \"r\", access_key_id = \"a\", secret_access_key = \"s\" }",
    );
    assert!(two.contains("only one of"), "{two}");
}

#[test]
fn no_debug_output_shows_a_key() {
    let text = "[[providers]]\nid = \"p\"\nformat = \"bedrock\"\napi_key = \"secret-1\"\n\
                aws = { region = \"r\", secret_access_key = \"secret-2\" }";
    let shown = format!("{:?}", Config::parse(text).unwrap());
    assert!(!shown.contains("secret-"), "{shown}");
}
