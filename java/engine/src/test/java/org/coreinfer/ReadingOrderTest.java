package org.coreinfer;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReadingOrderTest {
  private static final List<String> ORDER =
      List.of(
          "error",
          "tensor",
          "backend",
          "backend.cuda",
          "weights",
          "text",
          "model",
          "model.family",
          "synthesis",
          "core",
          "sampling",
          "grammar",
          "generation",
          "evaluation",
          "evaluation.metric",
          "evaluation.task",
          "calibration");

  private final JavaClasses engine =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("org.coreinfer");

  @Test
  void eachPackageImportsOnlyWhatStandsBeforeIt() {
    LayeredArchitecture layers = layeredArchitecture().consideringOnlyDependenciesInLayers();
    List<String> names = new ArrayList<>(ORDER);
    names.add("face");
    names.add("serving");
    for (String name : ORDER) {
      layers = layers.optionalLayer(name).definedBy("org.coreinfer." + name);
    }
    layers = layers.layer("face").definedBy("org.coreinfer");
    layers = layers.layer("serving").definedBy("org.coreinfer.serving");
    for (int i = 0; i < names.size(); i++) {
      String[] later = names.subList(i + 1, names.size()).toArray(String[]::new);
      layers =
          later.length == 0
              ? layers.whereLayer(names.get(i)).mayNotBeAccessedByAnyLayer()
              : layers.whereLayer(names.get(i)).mayOnlyBeAccessedByLayers(later);
    }
    layers.check(engine);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("org.coreinfer.(**)").should().beFreeOfCycles().check(engine);
  }
}
