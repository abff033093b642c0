//! Host id: the one under which the blobs of an app's hosts are kept: keys, locks and the status of timers.

use super::app::{AppError, Settings};

/// Longest id; also that of a site's name, whose rest is cut off.
const MAX: usize = 32;
/// The id of an app whose settings name none. Not the path, so that an app may be moved.
const UNNAMED: &str = "local";

/// The host id of an app: as set, or by the name of its site.
///
/// # Errors
/// When `AzureFunctionsWebHost__hostid` is not an id that the real host takes.
pub(super) fn of(settings: &Settings) -> Result<String, AppError> {
    if let Some(id) = settings.get("AzureFunctionsWebHost__hostid").filter(|id| !id.is_empty()) {
        return match is_valid(id) {
            true => Ok(id.to_owned()),
            false => Err(AppError::new(
                "app settings",
                "AzureFunctionsWebHost__hostid",
                format!(
                    "'{id}' is not a host id: 1 to {MAX} lower-case letters, digits and dashes, without a dash at either end or two in a row"
                ),
            )),
        };
    }
    let site: String = settings.get("WEBSITE_SITE_NAME").unwrap_or_default().to_lowercase().chars().take(MAX).collect();
    let site = site.trim_end_matches('-');
    Ok(if site.is_empty() { UNNAMED.to_owned() } else { site.to_owned() })
}

fn is_valid(id: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX).contains(&id.len())
        && id.bytes().all(known)
        && !id.starts_with('-')
        && !id.ends_with('-')
        && !id.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_wins_over_the_site_whose_name_is_cut() {
        let id = |pairs: &[(&str, &str)]| {
            let mut settings = Settings::default();
            for (name, value) in pairs {
                settings.set(name, (*value).to_owned());
            }
            of(&settings)
        };
        let site = ("WEBSITE_SITE_NAME", "Contoso-Events-In-The-Westerns--Part-Of-Europe");
        assert_eq!(id(&[]).as_deref(), Ok("local"));
        assert_eq!(id(&[site]).as_deref(), Ok("contoso-events-in-the-westerns"));
        assert_eq!(id(&[site, ("AzureFunctionsWebHost__hostid", "mine-1")]).as_deref(), Ok("mine-1"));
        for wrong in ["Mine", "a--b", "-a", "a_b", "a23456789012345678901234567890123"] {
            assert!(id(&[("AzureFunctionsWebHost__hostid", wrong)]).is_err(), "{wrong}");
        }
    }
}
