"""The shop that Lorikeet's own tests are about, which its wheel lacks: products, a card, an address and a discount."""
