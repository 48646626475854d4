"""Opens every layer with its style and draws a map, with the Python of QGIS: qgis_map.py RUN_FOLDER PNG"""

import sqlite3
import sys

from qgis.core import (QgsApplication, QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsMapRendererParallelJob,
                       QgsMapSettings, QgsProject, QgsVectorLayer)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

run, picture = sys.argv[1:]
package = f"{run}/forerunner.gpkg"


def opened(name, faults):
    """A layer; what is wrong with it goes to the faults."""
    layer = QgsVectorLayer(f"{package}|layername={name}", name, "ogr")
    if not layer.isValid():
        faults.append(f"{name}: does not open")
        return layer
    message, loaded = layer.loadDefaultStyle()
    if not loaded:
        faults.append(f"{name}: no style from the GeoPackage: {message}")
    elif layer.renderer().type() != "RuleRenderer":
        faults.append(f"{name}: drawn by {layer.renderer().type()}")
    print(name, layer.featureCount(), layer.renderer().type())
    return layer


def with_sld(name, faults):
    """A layer of its own file takes the .sld beside it."""
    layer = QgsVectorLayer(f"{run}/{name}.geojson", name, "ogr")
    message, loaded = layer.loadSldStyle(f"{run}/{name}.sld")
    if not loaded:
        faults.append(f"{name}.sld: {message}")


def draw(layers, extent):
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    transform = QgsCoordinateTransform(extent.crs(), settings.destinationCrs(), QgsProject.instance())
    box = transform.transformBoundingBox(extent.extent())
    box.scale(1.1)
    settings.setExtent(box)
    settings.setOutputSize(QSize(1400, 1900))
    settings.setOutputDpi(110)
    settings.setBackgroundColor(QColor("#f4f6f8"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    assert not job.errors(), [error.message for error in job.errors()]
    assert job.renderedImage().save(picture)


def faults_of_run():
    faults = []
    query = "SELECT table_name FROM gpkg_contents WHERE data_type = 'features' ORDER BY table_name"
    names = [name for (name,) in sqlite3.connect(package).execute(query)]
    layers = {name: opened(name, faults) for name in names}
    for name in ["clusters", "facilities", "dispersed_sites", "links"]:
        with_sld(name, faults)
    kinds = ("points", "lines", "areas")
    below = [name for kind in kinds for name in names if name.startswith("layer_") and name.endswith(kind)]
    draw([layers[name] for name in ["clusters", "facilities", *below]], layers["facilities"])
    return faults


application = QgsApplication([], False)
application.initQgis()
faults = faults_of_run()  # no layer may outlive the application
application.exitQgis()
if faults:
    sys.exit("\n".join(faults))
