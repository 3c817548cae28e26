//! Whom a connection's credentials let in, found out while the connection goes on.

use std::future::Future;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;

use crate::auth::Auth;
use crate::auth::Denial;
use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::gateways::Admitted;
use crate::gateways::Credentials;
use crate::gateways::clock::Clock;

/// One look at credentials.
pub(super) type Admission = Pin<Box<dyn Future<Output = Result<Admitted, Denial>> + Send>>;

/// Begins to look at these.
pub(super) fn admission(auth: &Arc<Auth>, clock: Clock, credentials: Credentials) -> Admission {
    Box::pin(admit(Arc::clone(auth), clock, credentials))
}

/// What comes of the look; never anything where there is none.
pub(super) async fn answered(admission: &mut Option<Admission>) -> Result<Admitted, Denial> {
    match admission {
        Some(admission) => admission.await,
        None => pending().await,
    }
}

async fn admit(
    auth: Arc<Auth>,
    clock: Clock,
    credentials: Credentials,
) -> Result<Admitted, Denial> {
    let now = clock.now();
    match credentials {
        Credentials::Trusted(key) => auth.trusted(now, &key).await.map(by_no_token),
        Credentials::Token(token) => auth.session(now, &token).await.map(Admitted::from),
        Credentials::Password { name, password } => {
            // What can be nobody's name is refused as one.
            let key = UserKey::parse(&name).unwrap_or(UserKey::Name(name));
            let logged_in = auth.log_in_as(now, &key, &password).await;
            logged_in.map(|(person, _)| by_no_token(person))
        }
    }
}

fn by_no_token(person: Person) -> Admitted {
    Admitted {
        person,
        token: None,
        expires_s: None,
        device: None,
    }
}
