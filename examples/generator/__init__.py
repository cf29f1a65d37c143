"""How the example documents are made: charts from the bundles, pages from the charts, truth from the pages."""
