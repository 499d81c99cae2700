//! What the cloud platforms' own tools leave in the environment: credentials, regions, projects.

use backstay_core::{Error, Result, Secret};

use crate::{
    address::{ModelList, Platform, PlatformName},
    aws::AwsKeys,
    catalogue::Preset,
    credential::{AuthScheme, Credential},
    discover::Environment,
    google::GoogleTokens,
};

/// Amazon's keys, or the bearer token that Bedrock gives out. `None` without a region, because
/// signatures are made for one.
pub(crate) fn aws(environment: &Environment, preset: &Preset) -> Option<Credential> {
    let region = aws_region(environment)?;
    if let Some(token) = preset.key(environment) {
        return Some(Credential::key(AuthScheme::Bearer, Some(token)));
    }
    aws_keys(environment, region).map(Credential::Aws)
}

/// The keys of `AWS_ACCESS_KEY_ID` and its companions.
pub fn aws_keys(environment: &Environment, region: &str) -> Option<AwsKeys> {
    Some(AwsKeys {
        access_key_id: environment.get("AWS_ACCESS_KEY_ID")?.trim().to_owned(),
        secret_access_key: environment.get("AWS_SECRET_ACCESS_KEY").and_then(Secret::new)?,
        session_token: environment.get("AWS_SESSION_TOKEN").and_then(Secret::new),
        region: region.trim().to_owned(),
    })
}

pub fn aws_region(environment: &Environment) -> Option<&str> {
    environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"))
}

/// The credentials file that `GOOGLE_APPLICATION_CREDENTIALS` names; `None` when it names none.
///
/// # Errors
/// When the file cannot be read or used.
pub fn google_credentials(environment: &Environment) -> Result<Option<Credential>> {
    let Some(path) = environment.get("GOOGLE_APPLICATION_CREDENTIALS") else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Error::invalid(format!("cannot read the Google credentials file {path}: {cause}"))
    })?;
    GoogleTokens::from_credentials(&text).map(|tokens| Some(Credential::Google(tokens)))
}

pub(crate) fn platform(name: PlatformName, environment: &Environment) -> Platform {
    match name {
        PlatformName::Direct => Platform::Direct,
        // The variables of OpenAI's own client and of other tools.
        PlatformName::Azure => Platform::Azure {
            api_version: ["OPENAI_API_VERSION", "AZURE_OPENAI_API_VERSION"]
                .into_iter()
                .find_map(|name| environment.get(name))
                .map(str::to_owned),
        },
        PlatformName::Vertex => Platform::Vertex,
    }
}

/// A preset's addresses. One that the environment moves (`OPENAI_BASE_URL`) lists its models where its
/// format does.
///
/// # Errors
/// The name of what the environment lacks.
pub(crate) fn addresses(
    preset: &Preset,
    environment: &Environment,
) -> Result<(String, ModelList), String> {
    let variable = format!("{}_BASE_URL", preset.id.to_uppercase().replace('-', "_"));
    if let Some(base_url) = environment.get(&variable) {
        let models = if preset.lists_models { ModelList::Standard } else { ModelList::None };
        return Ok((base_url.to_owned(), models));
    }
    preset.addresses(|name| match name {
        "region" => aws_region(environment).map(str::to_owned),
        "project" => environment.get("GOOGLE_CLOUD_PROJECT").map(str::to_owned),
        "location" => environment.get("GOOGLE_CLOUD_LOCATION").map(str::to_owned),
        "host" => environment.get("GOOGLE_CLOUD_LOCATION").map(vertex_host),
        // Azure's portal shows the endpoint with and without the path of its newer interface.
        "AZURE_OPENAI_ENDPOINT" => environment.get(name).map(azure_resource),
        variable => environment.get(variable).map(str::to_owned),
    })
}

/// The global location has a host without a region.
pub fn vertex_host(location: &str) -> String {
    match location {
        "global" => "aiplatform.googleapis.com".to_owned(),
        region => format!("{region}-aiplatform.googleapis.com"),
    }
}

/// The resource's address, without what is behind it.
pub fn azure_resource(endpoint: &str) -> String {
    let endpoint = endpoint.trim().trim_end_matches('/');
    let endpoint = endpoint.strip_suffix("/openai/v1").unwrap_or(endpoint);
    endpoint.strip_suffix("/openai").unwrap_or(endpoint).to_owned()
}
