//! The numbers and names of seed 002's 19 types.

/// Each type by its number, from 1 on: its name, and whether an operator's server may push it. Those it may not are part
/// of the log-in.
pub const PUSHES: [(&str, bool); 19] = [
    ("C2S_REGISTER_REQ", false),
    ("S2C_REGISTER_RES", false),
    ("S2C_ALONECHAT_PUSH", true),
    ("S2C_SIGNED_PUSH", true),
    ("S2C_SYSTEM_PUSH", true),
    ("S2C_RESERVATION_PUSH", true),
    ("S2C_DOCTORMSG_PUSH", true),
    ("S2C_TEAMMATECHAT_PUSH", true),
    ("S2C_DOCTORFRIENDCHAT_PUSH", true),
    ("S2C_FRIENDAPPLY_PUSH", true),
    ("S2C_SOCIAL_PUSH", true),
    ("S2C_DIFFERENT_CONNECTION", false),
    ("S2C_REMIND_PUSH", true),
    ("S2C_UNSIGNED_PUSH", true),
    ("S2C_TEAMCHAT_PUSH", true),
    ("S2C_TEAMMEMBER_ENTER", true),
    ("S2C_TEAMMEMBER_LEAVE", true),
    ("S2C_VIDEOCALL_INVITE", true),
    ("S2C_VIDEOCALL_END", true),
];

/// The name of a type; `None` for a number that is none's.
pub fn push_name(number: u8) -> Option<&'static str> {
    let index = usize::from(number).checked_sub(1)?;
    PUSHES.get(index).map(|(name, _)| *name)
}

/// The number of a type; `None` for a name that is none's.
pub fn push_number(name: &str) -> Option<u8> {
    let index = PUSHES.iter().position(|(known, _)| *known == name)?;
    u8::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_numbered_as_the_seed_numbers_them() {
        for (number, name) in [
            (1, "C2S_REGISTER_REQ"),
            (5, "S2C_SYSTEM_PUSH"),
            (12, "S2C_DIFFERENT_CONNECTION"),
            (15, "S2C_TEAMCHAT_PUSH"),
            (19, "S2C_VIDEOCALL_END"),
        ] {
            assert_eq!(push_name(number), Some(name));
            assert_eq!(push_number(name), Some(number));
        }
        assert_eq!((push_name(0), push_name(20)), (None, None));
        assert_eq!(push_number(""), None);
    }
}
