//! Functions of GeoJSON: points and polygons, and whether lines are valid. Other shapes make the result undefined.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Function, argument, function};
use crate::{
    evaluate::Evaluator,
    value::{Item, boolean, finite},
};

pub(super) const FUNCTIONS: &[Function] = &[
    function("ST_DISTANCE", 2, 2, |evaluator, all| {
        let (left, right) = both(all)?;
        evaluator.pay(left.work_with(&right))?;
        finite(distance(evaluator, &left, &right)?)
    }),
    function("ST_INTERSECTS", 2, 2, |evaluator, all| {
        let (left, right) = both(all)?;
        evaluator.pay(left.work_with(&right))?;
        boolean(intersects(&left, &right))
    }),
    function("ST_ISVALID", 1, 1, |_, all| boolean(shape(argument(all, 0)?).is_ok())),
    function("ST_ISVALIDDETAILED", 1, 1, |_, all| {
        let detail = match shape(argument(all, 0)?) {
            Ok(_) => json!({"valid": true}),
            Err(reason) => json!({"valid": false, "reason": reason}),
        };
        Some(Cow::Owned(detail))
    }),
    function("ST_WITHIN", 2, 2, |evaluator, all| {
        let (left, right) = both(all)?;
        evaluator.pay(left.work_with(&right))?;
        boolean(within(&left, &right))
    }),
];

/// What a step towards the distance of two points counts as, and looking at two edges.
const STEP: u64 = 128;
const EDGES: u64 = 16;

/// Longitude and latitude in degrees.
type Point = [f64; 2];

enum Shape {
    Point(Point),
    Line(Vec<Point>),
    /// The outer ring, then holes.
    Polygon(Vec<Vec<Point>>),
}

impl Shape {
    fn points(&self) -> Vec<Point> {
        match self {
            Shape::Point(point) => vec![*point],
            Shape::Line(points) => points.clone(),
            Shape::Polygon(rings) => rings.first().cloned().unwrap_or_default(),
        }
    }

    /// Points, those of holes too.
    fn count(&self) -> u64 {
        match self {
            Shape::Point(_) => 1,
            Shape::Line(points) => points.len() as u64,
            Shape::Polygon(rings) => rings.iter().map(Vec::len).sum::<usize>() as u64,
        }
    }

    /// What holding each edge of one against each of the other counts as.
    fn work_with(&self, other: &Shape) -> u64 {
        self.count().saturating_mul(other.count()).saturating_mul(EDGES)
    }

    fn covers(&self, point: Point) -> bool {
        match self {
            Shape::Polygon(rings) => rings.iter().filter(|ring| in_ring(ring, point)).count() == 1,
            _ => false,
        }
    }
}

fn both(all: &[Item<'_>]) -> Option<(Shape, Shape)> {
    Some((shape(argument(all, 0)?).ok()?, shape(argument(all, 1)?).ok()?))
}

/// A shape, or why it is none. The service's sentences are known for latitudes and rings; the others are ours.
fn shape(value: &Value) -> Result<Shape, String> {
    let coordinates = value.get("coordinates").ok_or("A GeoJSON object has a member coordinates.")?;
    match value.get("type").and_then(Value::as_str) {
        Some("Point") => point(coordinates).map(Shape::Point),
        Some("LineString") => match points(coordinates)? {
            points if points.len() < 2 => Err("A LineString has at least two points.".into()),
            points => Ok(Shape::Line(points)),
        },
        Some("Polygon") => {
            let rings = coordinates.as_array().filter(|rings| !rings.is_empty());
            let rings = rings.ok_or("The coordinates of a Polygon are an array of rings.")?;
            rings.iter().enumerate().map(ring).collect::<Result<_, _>>().map(Shape::Polygon)
        }
        _ => Err("The type of a GeoJSON object is Point, LineString or Polygon.".into()),
    }
}

fn ring((index, value): (usize, &Value)) -> Result<Vec<Point>, String> {
    let (ring, number) = (points(value)?, index + 1);
    if ring.first() != ring.last() {
        return Err(format!(
            "The Polygon input is not valid because the start and end points of the ring number {number} are not the same. \
             Each ring of a polygon must have the same start and end points."
        ));
    }
    if ring.len() < 4 {
        Err(format!("The ring number {number} of the Polygon has less than four points."))
    } else {
        Ok(ring)
    }
}

fn points(value: &Value) -> Result<Vec<Point>, String> {
    value.as_array().ok_or("The coordinates are no array of points.")?.iter().map(point).collect()
}

fn point(value: &Value) -> Result<Point, String> {
    let numbers = match value.as_array().map(Vec::as_slice) {
        Some([longitude, latitude, ..]) => longitude.as_f64().zip(latitude.as_f64()),
        _ => None,
    };
    let (longitude, latitude) = numbers.ok_or("A point is an array of a longitude and a latitude.")?;
    if latitude.abs() > 90.0 {
        return Err("Latitude values must be between -90 and 90 degrees.".into());
    }
    if longitude.abs() > 180.0 {
        return Err("Longitude values must be between -180 and 180 degrees.".into());
    }
    Ok([longitude, latitude])
}

fn edges(points: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    points.windows(2).filter_map(|pair| match pair {
        [from, to] => Some((*from, *to)),
        _ => None,
    })
}

/// By how often a line to the east crosses the ring.
fn in_ring(ring: &[Point], [x, y]: Point) -> bool {
    let crosses =
        |([x1, y1], [x2, y2]): &(Point, Point)| (*y1 > y) != (*y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1;
    edges(ring).filter(crosses).count() % 2 == 1
}

fn within(inner: &Shape, outer: &Shape) -> bool {
    inner.points().into_iter().all(|point| outer.covers(point))
}

fn intersects(left: &Shape, right: &Shape) -> bool {
    if let (Shape::Point(left), Shape::Point(right)) = (left, right) {
        return left == right;
    }
    let (left_points, right_points) = (left.points(), right.points());
    let reaches = left_points.iter().any(|point| right.covers(*point));
    let reached = right_points.iter().any(|point| left.covers(*point));
    let crosses = |edge: (Point, Point)| edges(&right_points).any(|other| cross(edge, other));
    reaches || reached || edges(&left_points).any(crosses)
}

fn cross((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let side = |[x1, y1]: Point, [x2, y2]: Point, [x, y]: Point| (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

/// Metres between points; between a point and a polygon, to its nearest edge.
fn distance(evaluator: &Evaluator<'_>, left: &Shape, right: &Shape) -> Option<f64> {
    match (left, right) {
        (Shape::Point(left), Shape::Point(right)) => metres(evaluator, *left, *right),
        (Shape::Point(point), other) | (other, Shape::Point(point)) => {
            if other.covers(*point) {
                return Some(0.0);
            }
            let points = other.points();
            let distances = edges(&points).map(|edge| metres(evaluator, *point, nearest(*point, edge)));
            distances.collect::<Option<Vec<_>>>()?.into_iter().reduce(f64::min)
        }
        _ if intersects(left, right) => Some(0.0),
        _ => None,
    }
}

/// The point of an edge that is nearest, as on a map whose degrees of longitude are shortened by the latitude.
fn nearest([x, y]: Point, ([x1, y1], [x2, y2]): (Point, Point)) -> Point {
    let scale = y.to_radians().cos().powi(2);
    let (dx, dy) = (x2 - x1, y2 - y1);
    let length = dx * dx * scale + dy * dy;
    let along = if length == 0.0 { 0.0 } else { (((x - x1) * dx * scale + (y - y1) * dy) / length).clamp(0.0, 1.0) };
    [x1 + along * dx, y1 + along * dy]
}

/// Vincenty's distance on the ellipsoid WGS 84, and on a sphere for points that lie nearly opposite each other, where it has none.
fn metres(evaluator: &Evaluator<'_>, [x1, y1]: Point, [x2, y2]: Point) -> Option<f64> {
    const A: f64 = 6_378_137.0;
    const F: f64 = 1.0 / 298.257_223_563;
    const B: f64 = A * (1.0 - F);
    let l = (x2 - x1).to_radians();
    let reduced = |latitude: f64| ((1.0 - F) * latitude.to_radians().tan()).atan().sin_cos();
    let ((sin1, cos1), (sin2, cos2)) = (reduced(y1), reduced(y2));
    let mut lambda = l;
    for _ in 0..200 {
        evaluator.pay(STEP)?;
        let (sin_l, cos_l) = lambda.sin_cos();
        let sin_sigma = (cos2 * sin_l).hypot(cos1 * sin2 - sin1 * cos2 * cos_l);
        if sin_sigma == 0.0 {
            return Some(0.0);
        }
        let cos_sigma = sin1 * sin2 + cos1 * cos2 * cos_l;
        let sigma = sin_sigma.atan2(cos_sigma);
        let sin_alpha = cos1 * cos2 * sin_l / sin_sigma;
        let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
        let middle = if cos2_alpha == 0.0 { 0.0 } else { cos_sigma - 2.0 * sin1 * sin2 / cos2_alpha };
        let c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha));
        let before = lambda;
        let term = middle + c * cos_sigma * (2.0 * middle * middle - 1.0);
        lambda = l + (1.0 - c) * F * sin_alpha * (sigma + c * sin_sigma * term);
        if (lambda - before).abs() < 1e-12 {
            let u2 = cos2_alpha * (A * A - B * B) / (B * B);
            let big_a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (u2 * (320.0 - 175.0 * u2) - 768.0));
            let big_b = u2 / 1024.0 * (256.0 + u2 * (u2 * (74.0 - 47.0 * u2) - 128.0));
            let inner = cos_sigma * (2.0 * middle * middle - 1.0)
                - big_b / 6.0 * middle * (4.0 * sin_sigma * sin_sigma - 3.0) * (4.0 * middle * middle - 3.0);
            return Some(B * big_a * (sigma - big_b * sin_sigma * (middle + big_b / 4.0 * inner)));
        }
    }
    let cosine =
        y1.to_radians().sin() * y2.to_radians().sin() + y1.to_radians().cos() * y2.to_radians().cos() * l.cos();
    Some(6_371_008.8 * cosine.clamp(-1.0, 1.0).acos())
}
