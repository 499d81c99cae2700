//! Which family a model id means: what goes into the additional fields differs between them.

use crate::claude::ClaudeVersion;

/// `eu.anthropic.claude-sonnet-4-5-20250929-v1:0` is Claude, `amazon.nova-lite-v1:0` is Nova. The id
/// of an inference profile made by the user (an ARN) says none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelFamily {
    Claude(Option<ClaudeVersion>),
    Nova,
    /// OpenAI's open models.
    GptOss,
    Other,
}

impl ModelFamily {
    /// Others refuse to be told where a prompt may be cached.
    pub(super) fn takes_cache_points(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Nova)
    }

    pub(super) fn of(model: &str) -> Self {
        if model.contains("anthropic.claude") {
            Self::Claude(ClaudeVersion::of(model))
        } else if model.contains("amazon.nova") {
            Self::Nova
        } else if model.contains("openai.gpt-oss") {
            Self::GptOss
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_read_from_ids_and_regional_profiles() {
        let claude = ModelFamily::of("eu.anthropic.claude-sonnet-4-5-20250929-v1:0");
        let version = ClaudeVersion::of("claude-sonnet-4-5");
        assert!(version.is_some());
        assert_eq!(claude, ModelFamily::Claude(version));
        assert_eq!(ModelFamily::of("us.amazon.nova-lite-v1:0"), ModelFamily::Nova);
        assert_eq!(ModelFamily::of("openai.gpt-oss-120b-1:0"), ModelFamily::GptOss);
        let profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc";
        assert_eq!(ModelFamily::of(profile), ModelFamily::Other);
    }
}
