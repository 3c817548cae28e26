//! Orders that an operator's server offers to couriers.

use serde_json::Value;

use crate::broker::orders::OrderId;
use crate::broker::social::Social;
use crate::broker::users::Person;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::wire::OrderJson;
use crate::gateways::rest::wire::PlacedJson;

/// An id as all are written: as a number, where it is one.
fn number_or_text(id: &str) -> Value {
    let number = id.parse::<u64>().ok();
    let number = number.filter(|number| number.to_string() == id);
    number.map_or_else(|| Value::from(id), Value::from)
}

pub(super) async fn place(request: Request) -> Result<Answer, Refused> {
    let OrderJson { id, customer } = request.json()?;
    let id = match id {
        Value::String(text) => text,
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return Err(Refused::bad("\"id\" must be a text or a whole number")),
    };
    let order = OrderId::parse(&id).ok_or_else(|| {
        let content = "an order's \"id\" has 1 to 64 bytes and no control characters";
        Refused::new(422, content)
    })?;
    let act = Social::PlaceOrder {
        order,
        customer: customer.0,
    };
    request.act(&Person::system(), act).await?;
    Ok(json(
        201,
        &PlacedJson {
            id: number_or_text(&id),
        },
    ))
}
