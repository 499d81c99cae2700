//! Credentials in `[[providers]]`: keys, Amazon's and Google's.

use std::path::PathBuf;

use backstay_core::{Error, Result, Secret};
use backstay_providers::{
    AwsKeys, Credential, Environment, GoogleTokens, aws_keys, google_credentials,
};
use serde::Deserialize;

/// The provider is signed for as Amazon wants it. Keys that are not set here are those of
/// `AWS_ACCESS_KEY_ID` and its companions. Holds secrets, so it has no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AwsSection {
    pub(crate) region: String,
    #[serde(default)]
    access_key_id: Option<String>,
    #[serde(default)]
    access_key_id_env: Option<String>,
    #[serde(default)]
    secret_access_key: Option<String>,
    #[serde(default)]
    secret_access_key_env: Option<String>,
    #[serde(default)]
    session_token: Option<String>,
    #[serde(default)]
    session_token_env: Option<String>,
}

/// The provider is shown a token of Google's. Holds secrets, so it has no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoogleSection {
    pub(crate) project: String,
    pub(crate) location: String,
    /// The file of a service account or of a user's login; `GOOGLE_APPLICATION_CREDENTIALS` when
    /// absent.
    #[serde(default)]
    credentials: Option<PathBuf>,
    /// A token that somebody else renews.
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    access_token_env: Option<String>,
}

/// A secret of a section, from the file or from the variable that the file names.
pub(super) fn secret(
    section: &str,
    name: &str,
    value: &Option<String>,
    variable: &Option<String>,
    environment: &Environment,
) -> Result<Option<Secret>> {
    match (value, variable) {
        (Some(_), Some(_)) => {
            Err(Error::invalid(format!("{section}: set {name} or {name}_env, not both")))
        }
        (Some(value), None) => Ok(Secret::new(value)),
        (None, Some(variable)) => match environment.get(variable) {
            Some(value) => Ok(Secret::new(value)),
            None => Err(Error::invalid(format!(
                "{section}: the environment has no {variable} ({name}_env)"
            ))),
        },
        (None, None) => Ok(None),
    }
}

impl AwsSection {
    pub(super) fn has_only_region(&self) -> bool {
        let others = [
            &self.access_key_id,
            &self.access_key_id_env,
            &self.secret_access_key,
            &self.secret_access_key_env,
            &self.session_token,
            &self.session_token_env,
        ];
        others.iter().all(|value| value.is_none())
    }

    pub(super) fn credential(&self, id: &str, environment: &Environment) -> Result<Credential> {
        self.keys(&format!("provider {id}"), environment).map(Credential::Aws)
    }

    /// `of` is whose section it is, as errors name it.
    pub(super) fn keys(&self, of: &str, environment: &Environment) -> Result<AwsKeys> {
        if self.has_only_region() {
            return aws_keys(environment, &self.region).ok_or_else(|| {
                Error::invalid(format!(
                    "{of}: set aws.access_key_id and aws.secret_access_key, or \
                     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
                ))
            });
        }
        let read = |name: &str, value, variable| {
            secret(of, &format!("aws.{name}"), value, variable, environment)
        };
        let required = |name: &str, found: Option<Secret>| {
            found.ok_or_else(|| Error::invalid(format!("{of}: aws.{name} is required")))
        };
        let key_id = read("access_key_id", &self.access_key_id, &self.access_key_id_env)?;
        let secret_key =
            read("secret_access_key", &self.secret_access_key, &self.secret_access_key_env)?;
        let session_token = read("session_token", &self.session_token, &self.session_token_env)?;
        Ok(AwsKeys {
            access_key_id: required("access_key_id", key_id)?.expose().to_owned(),
            secret_access_key: required("secret_access_key", secret_key)?,
            session_token,
            region: self.region.clone(),
        })
    }
}

impl GoogleSection {
    pub(super) fn credential(&self, id: &str, environment: &Environment) -> Result<Credential> {
        let token = secret(
            &format!("provider {id}"),
            "google.access_token",
            &self.access_token,
            &self.access_token_env,
            environment,
        )?;
        let named = |error: Error| Error::invalid(format!("provider {id}: {}", error.message()));
        match (token, &self.credentials) {
            (Some(_), Some(_)) => Err(Error::invalid(format!(
                "provider {id}: set google.access_token or google.credentials, not both"
            ))),
            (Some(token), None) => Ok(Credential::Google(GoogleTokens::ready(token))),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|cause| {
                    Error::invalid(format!(
                        "provider {id}: cannot read google.credentials {}: {cause}",
                        path.display()
                    ))
                })?;
                GoogleTokens::from_credentials(&text).map(Credential::Google).map_err(named)
            }
            (None, None) => google_credentials(environment).map_err(named)?.ok_or_else(|| {
                Error::invalid(format!(
                    "provider {id}: set google.credentials, google.access_token, or \
                     GOOGLE_APPLICATION_CREDENTIALS in the environment"
                ))
            }),
        }
    }
}
