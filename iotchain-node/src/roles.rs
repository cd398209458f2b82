//! Rights as people write them: `get,fetch`.

use iotchain::Roles;

const NAMES: [(&str, Roles); 4] = [
    ("get", Roles::GET),
    ("post", Roles::POST),
    ("put", Roles::PUT),
    ("fetch", Roles::FETCH),
];

/// Reads a comma-separated list of methods.
///
/// # Errors
/// What is wrong with the text.
pub fn parse(text: &str) -> Result<Roles, String> {
    text.split(',').try_fold(Roles::default(), |roles, name| {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, role)| roles | *role)
            .ok_or_else(|| format!("`{name}` is none of get, post, put, fetch"))
    })
}

/// All that have a name.
#[must_use]
pub fn all() -> Roles {
    NAMES
        .iter()
        .fold(Roles::default(), |roles, (_, role)| roles | *role)
}

/// Writes them.
#[must_use]
pub fn text(roles: Roles) -> String {
    let names: Vec<&str> = NAMES
        .iter()
        .filter(|(_, role)| roles.contains(*role))
        .map(|(name, _)| *name)
        .collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_read_as_written() {
        assert_eq!(parse("get,fetch"), Ok(Roles::GET | Roles::FETCH));
        assert_eq!(text(Roles::GET | Roles::PUT), "get,put");
        assert_eq!(parse(&text(all())), Ok(all()));
        for bad in ["", "get,", "delete", "GET", "get fetch"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
