//! Admission: who is watched. Places for the categories and products that are viewed most, and the products' places among the categories.
//!
//! Anybody can send clicks with names that nobody ever saw. So no name keeps its place for having come first: made-up ones have to be
//! viewed as much as real ones, all the time, to keep those out.

use std::collections::BTreeSet;

use super::{
    child::{Category, Product},
    detector::Detector,
    minute::{Minute, ProductViews, number},
    tuning,
    waiting::Remembered,
};

impl Detector {
    /// Makes room for who is new in a minute.
    pub(super) fn admit(&mut self, minute: &Minute) {
        if self.categories.is_empty() {
            self.categories.push(Category::new(String::new()));
        }
        self.remember(minute);
        self.fill_places();
        self.replace_places();
        for (id, views) in &minute.products {
            self.admit_product(id, views);
        }
    }

    /// Counts the minute's views for those who have a place and for those who wait for one.
    fn remember(&mut self, minute: &Minute) {
        let mut named = 0.0;
        for category in self.categories.iter_mut().skip(1) {
            let views = minute.views_in(&category.name);
            category.views.learn(views);
            named += views;
        }
        self.categories[0].views.learn((number(minute.views) - named).max(0.0));
        let watched: BTreeSet<&str> = self.categories.iter().map(|category| category.name.as_str()).collect();
        let others = minute.categories.iter().filter(|(name, _)| !watched.contains(name.as_str()));
        self.waiting.learn(others.map(|(name, counted)| (name, number(counted.views))));
    }

    /// Gives away the places that are free.
    fn fill_places(&mut self) {
        let free = (tuning::CATEGORIES + 1).saturating_sub(self.categories.len());
        if free == 0 {
            return;
        }
        for (name, views) in self.waiting.take(free) {
            self.categories[0].views.forget(views);
            self.categories.push(Category { views, ..Category::new(name) });
        }
    }

    /// Has those who wait and are clearly more viewed take the places of those who are viewed least.
    ///
    /// Views of a day are compared, so neither a busy minute nor an hour that few look at the category decides. Where an anomaly is open,
    /// of the category or of a product in it, nothing changes: it has to be seen to end.
    fn replace_places(&mut self) {
        while let Some(most) = self.waiting.most() {
            let is_open = |product: &&Product| product.watch.open.is_some();
            let open: BTreeSet<usize> =
                self.products.values().filter(is_open).map(|product| product.category).collect();
            let named = self.categories.iter().enumerate().skip(1);
            let closed = named.filter(|(place, category)| category.watch.open.is_none() && !open.contains(place));
            let least = closed.min_by(|one, other| one.1.views.0.total_cmp(&other.1.views.0));
            let Some((place, _)) = least.filter(|(_, least)| most.are_clearly_more(least.views)) else { return };
            for (name, views) in self.waiting.take(1) {
                self.replace(place, name, views);
            }
        }
    }

    /// Gives the place of a category to another one. The views of this one were so far among those without a category, to which those of
    /// the old one belong from now on: what part of the shop each is moves along, or all would seem to lose or gain views.
    fn replace(&mut self, place: usize, name: String, views: Remembered) {
        let [nameless, named @ ..] = self.categories.as_mut_slice() else { return };
        let Some(category) = place.checked_sub(1).and_then(|place| named.get_mut(place)) else { return };
        let ratio = if nameless.views.0 > 0.0 { (views.0 / nameless.views.0).min(1.0) } else { 0.0 };
        let (rest, share) = nameless.share.split(ratio, category.share.overall.value().unwrap_or(0.0));
        let old = std::mem::replace(category, Category { share, views, ..Category::new(name) });
        nameless.share = rest;
        nameless.views.forget(views);
        self.waiting.put(old.name, old.views);
        for product in self.products.values_mut() {
            // What is common to those without a category is another now, and so are their parts of it. Those that belong to the new
            // one go there with their next click.
            if product.category == place || product.category == 0 && product.watch.open.is_none() {
                *product = Product::new(0);
            }
            product.moving = product.moving.filter(|(to, _)| *to != place);
        }
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.categories.iter().position(|category| category.name == name)
    }

    /// Begins to watch a product that was not, or hears where one is listed.
    fn admit_product(&mut self, id: &str, counted: &ProductViews) {
        let place = counted.category.as_deref().and_then(|name| self.place_of(name));
        if let Some(product) = self.products.get_mut(id) {
            if let Some(place) = place {
                product.listed(place);
            }
            return;
        }
        if self.products.len() >= tuning::PRODUCTS {
            // Only for who has clearly more views than the least of those watched, so that the list does not churn.
            let closed = self.products.iter().filter(|(_, product)| product.watch.open.is_none());
            let least = closed.min_by(|one, other| one.1.share.views().total_cmp(&other.1.share.views()));
            let Some((least, views)) = least.map(|(id, product)| (id.clone(), product.share.views())) else { return };
            if !Remembered(number(counted.views)).are_clearly_more(Remembered(views)) {
                return;
            }
            self.products.remove(&least);
        }
        self.products.insert(id.to_owned(), Product::new(place.unwrap_or(0)));
    }
}
