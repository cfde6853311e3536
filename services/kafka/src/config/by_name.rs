//! Choices by their names, with an error that says which there are.

/// Reads an enum from text.
macro_rules! by_name {
    ($choice:ident { $($name:literal => $variant:ident,)+ }) => {
        impl TryFrom<String> for $choice {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                match text.as_str() {
                    $($name => Ok(Self::$variant),)+
                    _ => {
                        let allowed = [$($name),+].map(|name| format!("{name:?}")).join(", ");
                        Err(format!("{text:?} is none of {allowed}"))
                    }
                }
            }
        }
    };
}

pub(super) use by_name;
