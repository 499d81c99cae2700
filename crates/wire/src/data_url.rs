//! Data URLs (RFC 2397), as far as model interfaces use them: always base64.

/// The media type and the base64 text of `data:<type>[;parameters];base64,<data>`.
pub(crate) fn parse(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let described = head.strip_suffix(";base64")?;
    let media_type = described.split(';').next().filter(|media_type| !media_type.is_empty())?;
    Some((media_type, data))
}

pub(crate) fn write(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_base64_data_urls_with_a_type_are_taken() {
        assert_eq!(super::parse("data:image/png;base64,AA=="), Some(("image/png", "AA==")));
        assert_eq!(
            super::parse("data:text/plain;charset=utf-8;base64,QQ"),
            Some(("text/plain", "QQ"))
        );
        for url in ["data:image/png,raw", "data:;base64,AA", "https://x/y", "data:image/png"] {
            assert_eq!(super::parse(url), None, "{url}");
        }
    }
}
